// The gallery: what was made, to search, mark, compare, take along and delete. Its latest pictures
// also stand in a strip below the easel.

import { say } from "../strings.js";
import { onChange } from "../storage/database.js";
import {
  changePrint,
  deletePrints,
  listPrints,
  matches,
  oldestBeyond,
  printFile,
} from "../storage/pictures.js";
import { zip } from "../files/zip.js";
import { createComparison } from "./comparison.js";
import { anyById, button, byId, element, onPress, remember, remembered, save } from "./dom.js";
import { fileName } from "./picture.js";
import { printButton } from "./prints.js";
import { createViewer } from "./viewer.js";

/** @typedef {import("../storage/pictures.js").Print} Print */

const PAGE = 60;
const STRIP = 12;

/** Bytes that the gallery may hold before it asks to be cleared; 0 is no bound. */
const BOUNDS = [1e8, 5e8, 1e9, 5e9, 2e10, 0];
const BOUND = 1e9;

/**
 * @param {object} handlers
 * @param {(print: Print) => void} handlers.onUse its request is wanted again
 * @param {(print: Print) => void} handlers.onVary a picture that begins with it is wanted
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createGallery({ onUse, onVary, onFault }) {
  const search = byId("search", HTMLInputElement);
  const favourites = byId("only-favourites", HTMLInputElement);
  const list = anyById("prints");
  const limit = createBound();
  /** @type {Print[]} */
  let all = [];
  let shown = PAGE;
  /** @type {Set<number>} */
  const selected = new Set();
  const comparison = createComparison();
  const onDelete = (/** @type {Print} */ print) => remove([print.id]);
  const viewer = createViewer({ onUse, onVary, onStar: star, onDelete });

  const found = () =>
    all.filter(
      (print) => (!favourites.checked || print.favourite) && matches(print, search.value.trim()),
    );

  /** @param {Print} print */
  function item(print) {
    const check = element("input", { type: "checkbox", checked: selected.has(print.id) });
    check.ariaLabel = say.select(print.request.prompt || say.noPrompt());
    check.addEventListener("change", () => {
      if (check.checked) selected.add(print.id);
      else selected.delete(print.id);
      showTools();
    });
    const open = printButton(print, () => viewer.open(found(), print));
    const made = element("li", {}, open, check);
    const star = { className: "star", ariaHidden: "true" };
    if (print.favourite) made.append(element("span", star, "★"));
    return made;
  }

  function showTools() {
    button("compare").disabled = selected.size !== 2;
    button("delete").disabled = selected.size === 0;
    button("export").textContent = selected.size ? say.exportSome(selected.size) : say.exportAll();
    button("export").disabled = !all.length;
  }

  function show() {
    const prints = found();
    list.replaceChildren(...prints.slice(0, shown).map(item));
    button("more-prints").hidden = prints.length <= shown;
    const bytes = all.reduce((sum, print) => sum + print.bytes, 0);
    anyById("gallery-facts").textContent = all.length ? say.gallery(all.length, bytes) : "";
    anyById("no-prints").hidden = prints.length > 0;
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
    const ids = new Set(all.map((print) => print.id));
    for (const id of selected) if (!ids.has(id)) selected.delete(id);
    show();
    showStrip();
  }

  const soon = () => void refresh().catch(onFault);

  /** @param {Print} print */
  function star(print) {
    changePrint(print).catch(onFault);
  }

  /** @param {number[]} ids */
  function remove(ids) {
    if (!confirm(say.confirmDelete(ids.length))) return false;
    deletePrints(ids).catch(onFault);
    return true;
  }

  async function exportZip() {
    const prints = all.filter((print) => !selected.size || selected.has(print.id));
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
    const [first, second] = all.filter((print) => selected.has(print.id)).reverse();
    if (first && second) comparison.open(first, second).catch(onFault);
  });
  onPress("delete", () => remove([...selected]));
  onPress("export", () => void exportZip().catch(onFault));
  onPress("full-clean", () => remove(oldestBeyond(all, limit.bytes())));
  limit.onChange(show);
  onChange("pictures", soon);
  soon();

  return {
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
