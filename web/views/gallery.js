// The gallery: what was made, to search, mark, compare, take along and delete. Its latest pictures
// also stand in a strip below the easel.

import { say } from "../strings.js";
import { onChange } from "../storage/database.js";
import {
  changePrint,
  listPrints,
  matches,
  oldestBeyond,
  printFile,
  putPrints,
  takePrints,
} from "../storage/pictures.js";
import { zip } from "../files/zip.js";
import { createComparison } from "./comparison.js";
import { anyById, button, byId, element, onPress, remember, remembered, save } from "../dom.js";
import { fileName } from "./picture.js";
import { printButton, printName } from "./prints.js";
import { createSelection } from "./selection.js";
import { offerUndo } from "./undo.js";
import { createViewer } from "./viewer.js";

/** @typedef {import("../storage/pictures.js").Print} Print */

const PAGE = 60;
const STRIP = 12;

/** What is open over the page: a picture, by its number, or two that are compared. */
const VIEWER = "picture ";
const DIALOGS = ["viewer", "comparison"];

/** Bytes that the gallery may hold before it asks to be cleared; 0 is no bound. */
const BOUNDS = [1e8, 5e8, 1e9, 5e9, 2e10, 0];
const BOUND = 1e9;

/**
 * @param {object} handlers
 * @param {(print: Print) => void} handlers.onUse its request is wanted again
 * @param {(print: Print) => void} handlers.onVary a picture that begins with it is wanted
 * @param {(print: Print) => Promise<string>} handlers.onLink as of the viewer
 * @param {(name: string) => void} handlers.onOpen this is open over the page
 * @param {() => void} handlers.onClose it no longer is
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createGallery({ onUse, onVary, onLink, onOpen, onClose, onFault }) {
  const search = byId("search", HTMLInputElement);
  const favourites = byId("only-favourites", HTMLInputElement);
  const list = anyById("prints");
  const limit = createBound();
  /** @type {Print[]} */
  let all = [];
  /** @type {Print[]} those that the search finds */
  let found = [];
  let shown = PAGE;
  /** What was asked to be open before the pictures were read. */
  let wanted = "";
  const selection = createSelection(list, {
    shown: () => found.map(({ id }) => id),
    onChange: showTools,
    onDelete: remove,
  });
  const comparison = createComparison({ onOpen: () => onOpen("comparison"), onClose });
  const viewer = createViewer({
    onUse,
    onVary,
    onLink,
    onStar: star,
    onDelete: ({ id }) => remove([id]),
    onOpen: ({ id }) => onOpen(`${VIEWER}${id}`),
    onClose,
  });

  /** @param {Print} print */
  function item(print) {
    const check = element("input", { type: "checkbox", checked: selection.has(print.id) });
    check.ariaLabel = say.select(printName(print));
    const open = printButton(print, () => viewer.open(found, print));
    const made = element("li", {}, open, check);
    made.dataset["print"] = String(print.id);
    const star = { className: "star", ariaHidden: "true" };
    if (print.favourite) made.append(element("span", star, "★"));
    return made;
  }

  function showTools() {
    const [chosen, hidden] = [selection.chosen().length, selection.hidden()];
    const exports = button("export");
    exports.disabled = !found.length;
    exports.textContent = chosen
      ? say.exportSome(chosen)
      : found.length < all.length && found.length
        ? say.exportShown(found.length)
        : say.exportAll();
    button("compare").disabled = chosen !== 2;
    button("compare").textContent = say.compareSome(chosen);
    button("delete").disabled = !chosen;
    button("delete").textContent = say.deleteSome(chosen);
    button("select-all").disabled = chosen === found.length;
    button("select-none").disabled = !chosen && !hidden;
    anyById("selection-facts").textContent = say.selected(chosen, hidden);
  }

  function show() {
    const words = search.value.trim();
    found = all.filter(
      (print) => (!favourites.checked || print.favourite) && matches(print, words),
    );
    selection.keepFocus(() => list.replaceChildren(...found.slice(0, shown).map(item)));
    button("more-prints").hidden = found.length <= shown;
    const sum = (/** @type {Print[]} */ of) => of.reduce((bytes, one) => bytes + one.bytes, 0);
    const bytes = sum(all);
    const facts =
      found.length < all.length
        ? say.galleryFound(found.length, all.length, sum(found))
        : say.gallery(all.length, bytes);
    anyById("gallery-facts").textContent = all.length ? facts : "";
    anyById("no-prints").hidden = found.length > 0;
    anyById("no-prints").textContent = all.length ? say.nothingFound() : say.noPrints();
    const victims = oldestBeyond(all, limit.bytes()).length;
    anyById("full").hidden = !victims;
    anyById("full-text").textContent = victims ? say.full(bytes, limit.bytes(), victims) : "";
    showTools();
  }

  async function showStorage() {
    const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    anyById("gallery-storage").textContent = say.siteStorage(usage, quota);
  }

  function showStrip() {
    const strip = anyById("strip");
    const latest = all.slice(0, STRIP);
    strip.hidden = latest.length < 2;
    strip.replaceChildren(
      ...latest.map((print) =>
        element(
          "li",
          {},
          printButton(print, () => viewer.open(all, print)),
        ),
      ),
    );
  }

  async function refresh() {
    all = await listPrints();
    selection.keep(new Set(all.map((print) => print.id)));
    show();
    showStrip();
    if (wanted) open(wanted);
  }

  const soon = () => void refresh().catch(onFault);

  /** @param {Print} print */
  function star(print) {
    changePrint(print).catch(onFault);
  }

  /** @param {number[]} ids */
  function remove(ids) {
    takePrints(ids).then((taken) => {
      if (!taken.length) return;
      offerUndo(say.deleted(taken.length), () => void putPrints(taken).catch(onFault));
    }, onFault);
  }

  /** @param {string} name of what is to be open; empty: nothing */
  function open(name) {
    wanted = "";
    const print = all.find(({ id }) => name === `${VIEWER}${id}`);
    if (print) viewer.open(found.includes(print) ? found : all, print);
    else if (name.startsWith(VIEWER) && !all.length) wanted = name;
    else for (const id of DIALOGS) byId(id, HTMLDialogElement).close();
  }

  async function exportZip() {
    const chosen = new Set(selection.chosen());
    const prints = found.filter(({ id }) => !chosen.size || chosen.has(id));
    const files = [];
    const lines = [];
    for (const print of prints) {
      const blob = await printFile(print.id);
      if (!blob) continue;
      const name = `${String(print.id).padStart(6, "0")}-${fileName(print.request)}`;
      files.push({ name, blob, made: new Date(print.made) });
      const { request, model, provenance, engine, seconds } = print;
      const about = { file: name, model, provenance, engine, seconds };
      lines.push(JSON.stringify({ ...request, ...about }));
    }
    const requests = new Blob(lines.map((line) => `${line}\n`), { type: "application/jsonl" });
    files.push({ name: "requests.jsonl", blob: requests, made: new Date() });
    save("darkroom.zip", await zip(files));
  }

  for (const input of [search, favourites])
    input.addEventListener("input", () => {
      shown = PAGE;
      show();
    });
  onPress("more-prints", () => {
    shown += PAGE;
    show();
  });
  onPress("compare", () => {
    const [first, second] = found.filter(({ id }) => selection.has(id)).reverse();
    if (first && second) comparison.open(first, second).catch(onFault);
  });
  onPress("delete", () => remove(selection.chosen()));
  onPress("select-all", selection.all);
  onPress("select-none", selection.none);
  onPress("export", () => void exportZip().catch(onFault));
  onPress("full-clean", () => remove(oldestBeyond(all, limit.bytes())));
  limit.onChange(show);
  onChange("pictures", soon);
  soon();

  return {
    open,

    show() {
      show();
      void showStorage();
    },
  };
}

/** How much the gallery may hold: a choice that is kept. */
function createBound() {
  const select = byId("gallery-bound", HTMLSelectElement);
  const kept = Number(remembered("gallery-bound") ?? BOUND);
  const choices = [...new Set([...BOUNDS, kept])].sort((a, b) => (a || Infinity) - (b || Infinity));
  select.append(...choices.map((bytes) => new Option(say.bound(bytes), String(bytes))));
  select.value = String(kept);
  return {
    bytes: () => Number(select.value) || Infinity,

    /** @param {() => void} hear */
    onChange(hear) {
      select.addEventListener("change", () => {
        remember("gallery-bound", select.value);
        hear();
      });
    },
  };
}
