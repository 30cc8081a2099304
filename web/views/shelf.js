// The model shelf: which models are in this browser, what they are, and what can be done with them.
// A model is fetched, verified, deleted, exported here, or imported from local files.

import { text as network } from "../strings/network.js";
import { Store } from "../store/client.js";
import { lostModels, onLostModels, putAwayLost } from "../store/lost.js";
import { CHANNEL } from "../store/protocol.js";
import { shelf as text } from "../strings.js";
import { createDownload } from "./download.js";
import { anyById, element, remembered, withText } from "../dom.js";
import { askLicence } from "./licence.js";
import { fromInput, ofCache } from "./local-files.js";

/** @typedef {import("../store/protocol.js").StoredModel} StoredModel */
/** @typedef {import("../store/protocol.js").Known} Known */
/** @typedef {import("../store/protocol.js").StoreEvent} StoreEvent */

/**
 * Folders in models/ with a manifest; `scripts/site.mjs` writes them into this line. The built-in
 * model is no part of it: it needs not be fetched.
 * @type {string[]}
 */
const OFFERED = [];

/** What is left of Hugging Face's cache where links are not followed. */
const UNLINKED = /\/(blobs|refs|\.no_exist)\//;

/**
 * @param {HTMLElement} place where it is shown
 * @param {object} actions
 * @param {(model: string, how: import("../engine/protocol.js").Options) => void} actions.onUse
 * @param {(share: number | null) => void} [actions.onDownload] hears how far a download is
 * @param {() => void} [actions.onLock] where the offline lock is
 */
export function createShelf(place, { onUse, onDownload = () => {}, onLock = () => {} }) {
  const store = new Store();
  const box = document.createElement("details");
  const list = document.createElement("ul");
  const status = withText("p", "");
  const facts = withText("p", "");
  /** @type {Known[]} */
  let offered = [];
  let busy = false;
  const stop = () => store.stop();
  const download = createDownload(onDownload, stop);
  const pause = button(text.pause(), "", stop);
  /** Whether this tab's call waits for another tab's. */
  let waiting = false;
  /** The model that the status is about; empty: none, or all. */
  let subject = "";

  list.className = "shelf";
  facts.className = "hint";
  status.setAttribute("role", "status");
  box.className = "settings";
  const mirror = document.createElement("input");
  pause.disabled = true;
  box.append(withText("summary", text.title()), lostNote(), status, list, importers());
  box.append(mirrorField(mirror), facts);
  place.append(box);
  box.addEventListener("toggle", () => box.open && refresh());
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
    if (data.event && (waiting || !busy)) {
      speakOf(data.model);
      show(data.event);
    } else if (data.changed && box.open) refresh();
  });

  /** What there is: stored models, and those that are offered. */
  async function refresh() {
    try {
      if (!offered.length) offered = await readOffered();
      const models = await store.list();
      const ids = new Set(models.map(({ manifest }) => manifest.id));
      const rest = offered.filter(({ manifest }) => !ids.has(JSON.parse(manifest).id));
      list.replaceChildren(...models.map(entry), ...rest.map(offer));
      speakOf(subject);
      facts.textContent = await usage();
    } catch (error) {
      complain(error);
    }
  }

  /**
   * What is said from now on is about this model, and stands in its row.
   * @param {string} id
   */
  function speakOf(id) {
    subject = id;
    const row = [...list.children].find((item) => item.getAttribute("data-model") === id);
    if (row && status.parentElement !== row) row.append(status);
    else if (!row && status.nextElementSibling !== list) list.before(status);
  }

  /**
   * A stored model.
   * @param {StoredModel} model
   */
  function entry(model) {
    const { manifest, complete } = model;
    const item = document.createElement("li");
    const { id } = manifest;
    item.dataset["model"] = id;
    item.append(withText("h3", manifest.title), withText("p", text.facts(model)), details(model));
    const buttons = document.createElement("div");
    buttons.className = "actions";
    if (complete) {
      buttons.append(
        button(text.use(), manifest.title, () => onUse(`stored/${id}`, {})),
        button(text.verify(), manifest.title, () => verify(id)),
        button(text.exportIt(), manifest.title, () => save(id)),
      );
    } else {
      buttons.append(button(text.resume(), manifest.title, () => fetchIt(model)));
      const partly = () => onUse(`stored/${id}`, { rest: "fetch" });
      buttons.append(button(text.memory(), manifest.title, partly));
    }
    buttons.append(button(text.remove(), manifest.title, () => remove(model)));
    item.append(buttons);
    download.place(id, item);
    return item;
  }

  /**
   * A model that may be fetched.
   * @param {Known} known
   */
  function offer(known) {
    const manifest = JSON.parse(known.manifest);
    const item = document.createElement("li");
    item.dataset["model"] = manifest.id;
    item.append(
      withText("h3", manifest.title),
      withText("p", text.offered(manifest)),
      button(text.fetchIt(), manifest.title, () => begin(known)),
    );
    return item;
  }

  /** @param {Known} known */
  async function begin(known) {
    try {
      const model = await store.add(known);
      if (!model.complete) await fetchIt(model);
    } catch (error) {
      complain(error);
    }
  }

  /** @param {StoredModel} model */
  async function fetchIt(model) {
    if (model.must_accept && !(await askLicence(model))) return;
    speakOf(model.manifest.id);
    const smaller = () => text.smaller(smallerThan(model));
    const other = new URL(mirror.value.trim() || model.manifest.base || ".", document.baseURI);
    if (remembered("offline-lock") === "yes" && other.origin !== location.origin) return refuse();
    await run(async () => {
      if (model.must_accept) await store.accept(model.manifest.id);
      // Asked for on this click; without it the browser may clear the weights when space is short.
      await navigator.storage?.persist?.();
      status.textContent = "";
      download.begin(model, mirror.value.trim());
      await refresh();
      await store.download(model.manifest.id, from(), show);
      status.textContent = text.fetched(model.manifest.title);
    }, smaller);
  }

  /** The offline lock forbids it: said at once, with the way to it. */
  function refuse() {
    status.replaceChildren(`${network.lockRefuses()} `, button(network.lockPlace(), "", onLock));
  }

  /** What is offered and takes less room. @param {StoredModel} model */
  function smallerThan({ manifest }) {
    const all = offered.map((one) => /** @type {typeof manifest} */ (JSON.parse(one.manifest)));
    return all.filter((one) => text.bytes(one) < text.bytes(manifest));
  }

  /** Where to fetch from, if not from where the manifest says. */
  function from() {
    const address = mirror.value.trim();
    return address ? { mirror: address } : {};
  }

  /** @param {string} id */
  function verify(id) {
    speakOf(id);
    return run(async () => {
      status.textContent = text.verified(await store.verify(id, from(), show));
    });
  }

  /** @param {StoredModel} model */
  async function remove({ manifest }) {
    speakOf(manifest.id);
    await run(async () => {
      if (!confirm(text.sure(await store.deletion(manifest.id)))) return;
      await store.remove(manifest.id);
      status.textContent = text.removed(manifest.title);
    });
  }

  /** @param {string} id */
  function save(id) {
    speakOf(id);
    return run(async () => {
      const address = URL.createObjectURL(await store.export(id));
      const link = document.createElement("a");
      link.href = address;
      link.download = `${id}.tar`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 600_000);
      status.textContent = "";
    });
  }

  /** @param {import("./local-files.js").Given} given */
  async function importFiles(given) {
    box.open = true;
    speakOf("");
    const files = await ofCache(given);
    if (files.every(({ path }) => UNLINKED.test(path))) return complain(new Error(text.links()));
    const name = (files[0]?.path.split("/")[0] ?? "").replace(/\.[a-z]+$/i, "");
    await run(async () => {
      const model = await store.plan(files, offered, name);
      if (model.must_accept) {
        if (!(await askLicence(model))) return;
        await store.accept(model.manifest.id);
      }
      await navigator.storage?.persist?.();
      subject = model.manifest.id;
      await refresh();
      await store.fill(model.manifest.id, show);
      status.textContent = text.imported(model.manifest.title);
    });
  }

  function importers() {
    const buttons = document.createElement("div");
    buttons.className = "actions";
    buttons.append(
      fromInput(text.importFiles(), false, importFiles),
      fromInput(text.importFolder(), true, importFiles),
      pause,
    );
    return buttons;
  }

  /**
   * @param {() => Promise<void>} job
   * @param {() => string} [ifFull] what to say as well where there is no room
   */
  async function run(job, ifFull) {
    busy = true;
    pause.disabled = false;
    try {
      await job();
    } catch (error) {
      complain(error);
      if (/** @type {any} */ (error).kind === "storage_full" && ifFull)
        status.textContent = `${status.textContent} ${ifFull()}`.trim();
    }
    busy = waiting = false;
    pause.disabled = true;
    download.end();
    await refresh();
  }

  /** @param {StoreEvent} event */
  function show(event) {
    if (event.event === "elsewhere") waiting = true;
    const told = download.model() && download.hear(event);
    if (told) status.textContent = "";
    else if (event.event !== "fetching" || !busy) status.textContent = text.event(event);
  }

  /** @param {unknown} error */
  function complain(error) {
    const { kind, message } = /** @type {any} */ (error);
    status.textContent = kind === "cancelled" ? text.paused() : message;
  }

  /**
   * Opens the shelf, and begins to fetch a model that is offered and not here.
   * @param {string} id
   */
  async function get(id) {
    openShelf();
    await refresh();
    const known = offered.find(({ manifest }) => JSON.parse(manifest).id === id);
    if (known && !busy) await begin(known);
  }

  return { refresh, importFiles, get };
}

/** What the browser has lost, said until it is put away. */
function lostNote() {
  const words = withText("p", "");
  const close = button(text.lostRead(), "", putAwayLost);
  const note = element("div", { className: "banner" }, words, close);
  words.setAttribute("role", "status");
  const show = () => {
    const titles = lostModels();
    note.hidden = !titles.length;
    words.textContent = titles.length ? text.lost(titles) : "";
  };
  onLostModels(show);
  show();
  return note;
}

/**
 * A field for the address of a mirror.
 * @param {HTMLInputElement} input
 */
function mirrorField(input) {
  const field = document.createElement("div");
  const label = /** @type {HTMLLabelElement} */ (withText("label", text.mirror()));
  input.id = label.htmlFor = "mirror";
  input.type = "url";
  input.placeholder = "https://";
  field.className = "field";
  field.append(label, input);
  return field;
}

/**
 * Every file with its size and hash, to be copied.
 * @param {StoredModel} model
 */
function details({ manifest, files }) {
  const box = document.createElement("details");
  const lines = manifest.files.map(({ path, bytes, sha256 }) => {
    const state = files[path];
    const hash = state?.sha256 ?? sha256 ?? text.unknownHash();
    const pinned = state?.pinned ? `  ${text.pinned(state.pinned)}` : "";
    return `${hash}  ${path}  ${state?.bytes ?? bytes ?? "?"}${pinned}`;
  });
  box.append(withText("summary", text.files(lines.length)), withText("pre", lines.join("\n")));
  return box;
}

/** The manifests that this site offers, each with its licence. */
async function readOffered() {
  const read = async (/** @type {string} */ name) => {
    const address = new URL(`models/${name}/`, document.baseURI).href;
    const answer = await fetch(`${address}manifest.json`);
    if (!answer.ok) return null;
    const manifest = await answer.text();
    const { file } = JSON.parse(manifest).licence;
    const licence = file ? await (await fetch(address + file)).text() : undefined;
    return { manifest, address, ...(licence === undefined ? {} : { licence_text: licence }) };
  };
  const all = await Promise.all(OFFERED.map(read));
  return all.filter((one) => one !== null);
}

/** Storage used, and whether the browser may clear it. */
async function usage() {
  const { usage: bytes = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return text.usage(bytes, (await navigator.storage?.persisted?.()) ?? false);
}

/**
 * @param {string} label
 * @param {string} of what it is about, for those who do not see where the button stands
 * @param {() => void} act
 */
function button(label, of, act) {
  const made = /** @type {HTMLButtonElement} */ (withText("button", label));
  made.type = "button";
  if (of) made.setAttribute("aria-label", `${label}: ${of}`);
  made.addEventListener("click", act);
  return made;
}

/** Shows the models that can be fetched, and where to press. */
export function openShelf() {
  const shelf = anyById("shelf");
  shelf.querySelector("details")?.setAttribute("open", "");
  shelf.querySelector("summary")?.focus();
  shelf.scrollIntoView({ block: "start" });
}
