// The library of models: lists the models that are stored in this browser and those that the site
// offers. Here a model is fetched, imported from local files, verified, exported or deleted.

import { text as network } from "../strings/network.js";
import { theStore } from "../store/shared.js";
import { readOffered, smallerThan } from "../store/offered.js";
import { CHANNEL, LOCK } from "../store/protocol.js";
import { library as text } from "../strings/library.js";
import { isUsed, kindOf, noteEmbeddings, pathOf, wordsOf } from "../store/addons.js";
import { addonText, loraText } from "../strings/addons.js";
import { createDownload, mirrorField } from "./download.js";
import { askToKeep, storageUsed } from "../storage/database.js";
import { anyById, element, rowButton as button, withText } from "../dom.js";
import { askLicence } from "./licence.js";
import { areAlone, cacheFiles, fromInput } from "./local-files.js";
import { lostNote } from "./lost_note.js";
import { fileList } from "./file_list.js";

/** @typedef {import("../store/protocol.js").StoredModel} StoredModel */
/** @typedef {import("../store/protocol.js").OfferedModel} OfferedModel */
/** @typedef {import("../store/protocol.js").StoreEvent} StoreEvent */

/** Internal files of Hugging Face's cache; the model's own are below `snapshots/`. */
const UNLINKED = /\/(blobs|refs|\.no_exist)\//;

/**
 * @typedef {object} Actions
 * @property {(model: string, how: import("../engine/protocol.js").Options) => void} onUse
 * @property {(model: StoredModel) => void} onAddon uses a stored file that is no model
 * @property {(model: StoredModel) => void} onStop the model's own part is used again
 * @property {(share: number | null) => void} onDownload gets the progress of a download
 * @property {() => void} onLock shows the offline lock
 */

export class Library {
  #state;
  #actions;
  #store = theStore();
  #box = document.createElement("details");
  #list = element("ul", { className: "library" });
  #status = withText("p", "");
  #facts = element("p", { className: "hint" });
  #mirror = element("input", { id: "mirror", type: "url", placeholder: "https://" });
  #download;
  #pause;
  /** The switch for a storage that sites share; null where the browser has none. */
  #sharing;
  /** @type {OfferedModel[]} */
  #offered = [];
  #busy = false; // While a call runs, its events come through it, not through the channel.
  #failed = false;
  // The model that was last told to have changed, and the one whose events come late: a call on it
  // has ended here, and they would overwrite how.
  #changed = "";
  #late = "";
  /** Whether the call waits, or has waited, for another tab, whose events are shown meanwhile. */
  #waiting = false;
  /** The id of the model that the status line is about; empty if it is about none. */
  #subject = "";

  /**
   * @param {HTMLElement} place where it is shown
   * @param {import("../state/page.js").Page} state
   * @param {Actions} actions
   */
  constructor(place, state, actions) {
    this.#state = state;
    this.#actions = actions;
    const stop = () => this.#store.stop();
    this.#download = createDownload(actions.onDownload, stop);
    this.#pause = button(text.pause(), "", stop);
    this.#pause.disabled = true;
    this.#status.setAttribute("role", "status");
    const box = this.#box;
    box.className = "settings";
    box.append(withText("summary", text.title()), lostNote(), this.#status, this.#list);
    box.append(this.#importers(), mirrorField(this.#mirror), this.#facts);
    place.append(box);
    this.#sharing =
      "crossOriginStorage" in navigator
        ? import("./sharing.js").then(
            ({ addSwitch }) => addSwitch(box, this.#store),
            () => null,
          )
        : null;
    box.addEventListener("toggle", () => box.open && void this.refresh());
    state.subscribe(["choice"], () => box.open && void this.refresh());
    new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
      if (data.changed && data.changed === this.#late) this.#late = "";
      if (data.changed) this.#changed = data.changed;
      if (data.event && data.model === this.#late) return;
      if (data.event && (this.#waiting || !this.#busy)) {
        this.#moveStatus(data.model);
        this.#show(data.event);
      } else if (data.changed && box.open) void this.refresh();
    });
  }

  /** Lists the stored models, and those that are offered and not stored. */
  async refresh() {
    try {
      if (!this.#offered.length) this.#offered = await readOffered();
      const models = await this.#store.list();
      noteEmbeddings(models);
      const ids = new Set(models.map(({ manifest }) => manifest.id));
      const rest = this.#offered.filter(({ manifest }) => !ids.has(JSON.parse(manifest).id));
      this.#list.replaceChildren(
        ...models.map((model) => this.#storedRow(model)),
        ...rest.map((offered) => this.#offeredRow(offered)),
      );
      this.#moveStatus(this.#subject);
      this.#facts.textContent = text.usage(...(await storageUsed()));
    } catch (error) {
      this.#showError(error);
    }
  }

  /**
   * Moves the status line into the row of a model, which it is about from now on.
   * @param {string} id
   */
  #moveStatus(id) {
    this.#subject = id;
    const [list, status] = [this.#list, this.#status];
    const row = [...list.children].find((item) => item.getAttribute("data-model") === id);
    if (row && status.parentElement !== row) row.append(status);
    else if (!row && status.nextElementSibling !== list) list.before(status);
  }

  #say = (/** @type {string} */ sentence) => void (this.#status.textContent = sentence);

  /** The latest sentence. */
  said = () => this.#status.textContent ?? "";

  /**
   * The row of a stored model.
   * @param {StoredModel} model
   */
  #storedRow(model) {
    const { manifest, complete } = model;
    const { id, title } = manifest;
    const item = document.createElement("li");
    item.dataset["model"] = id;
    const isModel = kindOf(model) === "model";
    const words = kindOf(model) === "lora" ? (manifest.words ?? []) : wordsOf(model);
    const facts = isModel ? text.facts(model) : addonText.facts(model, words);
    item.append(withText("h3", title), withText("p", facts), fileList(model));
    const buttons = element("div", { className: "actions" });
    const { onUse, onAddon, onStop } = this.#actions;
    if (complete) {
      const use = () => (isModel ? onUse(`stored/${id}`, {}) : onAddon(model));
      const stop = button(addonText.stop(), title, () => onStop(model));
      buttons.append(
        isUsed(model, this.#state.get().choice.how) ? stop : button(text.use(), title, use),
        button(text.verify(), title, () => this.#verify(id)),
        button(text.exportIt(), title, () => this.#export(model)),
      );
    } else if (!isModel && !model.address) item.append(withText("p", addonText.incomplete()));
    else buttons.append(button(text.resume(), title, () => this.#fetch(model)));
    if (!complete && isModel) {
      const partly = () => onUse(`stored/${id}`, { rest: "fetch" });
      buttons.append(button(text.useOnce(), title, partly));
    }
    buttons.append(button(text.remove(), title, () => this.#remove(model)));
    item.append(buttons);
    this.#download.place(id, item);
    return item;
  }

  /**
   * The row of a model that can be fetched.
   * @param {OfferedModel} offered
   */
  #offeredRow(offered) {
    const manifest = JSON.parse(offered.manifest);
    const item = document.createElement("li");
    item.dataset["model"] = manifest.id;
    item.append(
      withText("h3", manifest.title),
      withText("p", (manifest.kind ? addonText : text).offered(manifest)),
      button(text.fetchIt(), manifest.title, () => this.#begin(offered)),
    );
    return item;
  }

  /** Adds a model to the store and fetches it. @param {OfferedModel} offered */
  async #begin(offered) {
    try {
      const model = await this.#store.add(offered);
      if (!model.complete) await this.#fetch(model);
    } catch (error) {
      this.#showError(error);
    }
  }

  /**
   * After a declined licence, removes the model if none of it is stored. It stays if another tab
   * has accepted the licence meanwhile, or is changing what is stored.
   * @param {StoredModel} model
   */
  async #decline({ manifest: { id } }) {
    const { held = [] } = await navigator.locks.query();
    const now = (await this.#store.list()).find(({ manifest }) => manifest.id === id);
    const isEmpty = now?.must_accept && !now.bytes_stored;
    if (isEmpty && !held.some(({ name }) => name === LOCK)) await this.#store.remove(id);
    await this.refresh();
  }

  /** @param {StoredModel} model */
  async #fetch(model) {
    const { manifest, must_accept: mustAccept } = model;
    if (mustAccept && !(await askLicence(model)))
      return this.#decline(model).catch((error) => this.#showError(error));
    this.#moveStatus(manifest.id);
    const mirror = this.#mirror.value.trim();
    const other = new URL(mirror || manifest.base || model.address || ".", document.baseURI);
    if (this.#state.get().offlineLock && other.origin !== location.origin)
      return this.#showLocked();
    const smaller = () => text.smaller(smallerThan(this.#offered, manifest));
    await this.#run(async () => {
      if (mustAccept) await this.#store.accept(manifest.id);
      askToKeep();
      this.#say("");
      const sharing = await this.#sharing;
      await sharing?.take(model, this.#show);
      this.#download.begin(model, mirror);
      await this.refresh();
      await this.#store.download(manifest.id, this.#mirrorOption(), this.#show);
      sharing?.give(model);
      this.#say(text.fetched(manifest.title));
    }, smaller);
  }

  /** Shows that the offline lock forbids the download, with a button that shows the lock. */
  #showLocked() {
    const way = button(network.lockPlace(), "", this.#actions.onLock);
    this.#status.replaceChildren(`${network.lockRefuses()} `, way);
  }

  /** The user's mirror, if one was typed. */
  #mirrorOption() {
    const address = this.#mirror.value.trim();
    return address ? { mirror: address } : {};
  }

  /** @param {string} id */
  #verify(id) {
    this.#moveStatus(id);
    return this.#run(async () => {
      this.#say(text.verified(await this.#store.verify(id, this.#mirrorOption(), this.#show)));
    });
  }

  /** @param {StoredModel} model */
  async #remove(model) {
    const { manifest } = model;
    this.#moveStatus(manifest.id);
    await this.#run(async () => {
      if (!confirm(text.sure(await this.#store.deletion(manifest.id)))) return;
      await this.#store.remove(manifest.id);
      if (isUsed(model, this.#state.get().choice.how)) this.#actions.onStop(model);
      this.#say(text.removed(manifest.title));
    });
  }

  /** @param {StoredModel} model */
  #export(model) {
    const { manifest } = model;
    this.#moveStatus(manifest.id);
    const file = pathOf(manifest).replace(/^.*\//, "");
    const isFolder = manifest.files.some(({ path }) => path.endsWith("config.json"));
    const name = kindOf(model) === "model" || isFolder ? `${manifest.id}.tar` : file;
    return this.#run(async () => {
      const href = URL.createObjectURL(await this.#store.export(manifest.id));
      element("a", { href, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 600_000);
      this.#say("");
    });
  }

  /** @param {import("./local-files.js").Given} given */
  async importFiles(given) {
    this.#box.open = true;
    this.#moveStatus("");
    const files = await cacheFiles(given);
    if (!areAlone(files)) return this.#importOne(files, true);
    const refused = [];
    for (const file of files) {
      await this.#importOne([file], false);
      if (this.#failed) refused.push(this.#status.textContent);
    }
    if (refused.length) this.#say(refused.join(" "));
  }

  /**
   * @param {import("./local-files.js").Given} files of one model, or one LoRA
   * @param {boolean} choose whether a LoRA is chosen at once
   */
  async #importOne(files, choose) {
    if (files.every(({ path }) => UNLINKED.test(path)))
      return this.#showError(new Error(text.links()));
    const name = (files[0]?.path.split("/")[0] ?? "").replace(/\.[a-z]+$/i, "");
    await this.#run(async () => {
      const model = await this.#store.identifyLocal(files, this.#offered, name);
      if (model.must_accept) {
        if (!(await askLicence(model))) return this.#decline(model);
        await this.#store.accept(model.manifest.id);
      }
      askToKeep();
      this.#subject = model.manifest.id;
      await this.refresh();
      await this.#store.importLocal(model.manifest.id, this.#show);
      this.#say(text.imported(model.manifest.title));
      if (["lora", "control"].includes(kindOf(model)) && choose) this.#actions.onAddon(model);
    });
  }

  #importers() {
    const take = (/** @type {import("./local-files.js").Given} */ given) => this.importFiles(given);
    const inputs = [fromInput(text.importFiles(), false, take)];
    inputs.push(fromInput(text.importFolder(), true, take));
    return element("div", { className: "actions" }, ...inputs, this.#pause);
  }

  /**
   * Runs work on the store, and shows how it ended.
   * @param {() => Promise<void>} work
   * @param {() => string} [ifFull] a sentence to add if the storage is full
   */
  async #run(work, ifFull) {
    this.#busy = true;
    this.#failed = false;
    this.#changed = this.#late = "";
    this.#pause.disabled = false;
    try {
      await work();
    } catch (error) {
      this.#failed = true;
      this.#showError(error);
      if (/** @type {any} */ (error).kind === "storage_full" && ifFull)
        this.#say(`${this.#status.textContent} ${ifFull()}`.trim());
    }
    this.#busy = this.#waiting = false;
    this.#late = this.#failed || this.#changed === this.#subject ? "" : this.#subject;
    setTimeout(() => (this.#late = ""), 1000);
    this.#pause.disabled = true;
    this.#download.end();
    await this.refresh();
  }

  /** In a sentence, fetched bytes are only shown for another tab. @param {StoreEvent} event */
  #show = (event) => {
    if (event.event === "waiting_for_tab") this.#waiting = true;
    const isShown = this.#download.model() && this.#download.hear(event);
    if (isShown) this.#say("");
    else if (event.event !== "fetching" || !this.#busy) this.#say(text.event(event));
  };

  /** @param {unknown} error */
  #showError(error) {
    const { kind, message } = /** @type {any} */ (error);
    this.#say(kind === "cancelled" ? text.paused() : message);
  }

  /**
   * Fetches what is no model, after its licence; null where that came to nothing.
   * @param {OfferedModel} offered
   * @returns {Promise<StoredModel | null>}
   */
  async fetchAddon(offered) {
    if (this.#busy) throw new Error(loraText.busy());
    const manifest = JSON.parse(offered.manifest);
    // A licence with a text is shown before the fetch in any case.
    if (!offered.licence_text && !confirm(loraText.sure(manifest, offered.address))) return null;
    openLibrary();
    await this.refresh();
    await this.#begin(offered);
    const stored = await this.#store.list();
    return stored.find((one) => one.manifest.id === manifest.id && one.complete) ?? null;
  }

  /**
   * Opens the library, and fetches a model that is offered and not stored, after the licence.
   * @param {string} id
   */
  async openAndFetch(id) {
    openLibrary();
    await this.refresh();
    const offered = this.#offered.find(({ manifest }) => JSON.parse(manifest).id === id);
    if (offered && !this.#busy) await this.#begin(offered);
  }
}

/** Opens the library, scrolls to it and gives it the focus. */
export function openLibrary() {
  const library = anyById("library");
  library.querySelector("details")?.setAttribute("open", "");
  library.querySelector("summary")?.focus();
  library.scrollIntoView({ block: "start" });
}
