// The gallery: stored images, to search, mark as favourites, compare, export and delete. The latest
// ones are also in a strip below the image that was made last.

import { say } from "../strings.js";
import { onChange } from "../storage/database.js";
import {
  changeImage,
  listImages,
  matches,
  oldestBeyond,
  putImages,
  takeImages,
} from "../storage/images.js";
import { createComparison } from "./comparison.js";
import { anyById, button, byId, element, onPress, save } from "../dom.js";
import { imageButton, imageName } from "./thumbnails.js";
import { createSelection } from "./selection.js";
import { offerUndo } from "./undo.js";
import { createViewer } from "./viewer.js";

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

const PAGE = 60;
const STRIP = 12;

/** The viewer's name in the history, before the number of its image. */
const VIEWER = "picture ";
/** The ids of the dialogs' elements. */
const DIALOGS = ["viewer", "comparison"];

/** The choices of the gallery's bound in bytes; 0 is no bound. */
const BOUNDS = [1e8, 5e8, 1e9, 5e9, 2e10, 0];

/**
 * @typedef {object} Handlers
 * @property {(saved: SavedImage) => void} onUse fills in its request
 * @property {(saved: SavedImage) => void} onVary makes it the start image
 * @property {(saved: SavedImage) => void} onEdit the same, to paint a mask
 * @property {(saved: SavedImage) => void} onEnlarge
 * @property {(saved: SavedImage) => void} onControl makes it the picture of a ControlNet
 * @property {(saved: SavedImage) => Promise<string>} onLink as for the viewer
 * @property {(name: string) => void} onOpen a dialog was opened
 * @property {() => void} onClose the dialog was closed
 * @property {(error: unknown) => void} onFault
 */

export class Gallery {
  #handlers;
  #state;
  #search = byId("search", HTMLInputElement);
  #favourites = byId("only-favourites", HTMLInputElement);
  #list = anyById("images");
  #selection;
  #comparison;
  #viewer;
  /** @type {SavedImage[]} */
  #all = [];
  /** @type {SavedImage[]} the results of the search */
  #found = [];
  #shown = PAGE;
  /** The dialog to open once the images have been read. */
  #wanted = "";

  /**
   * @param {import("../state/page.js").Page} state
   * @param {Handlers} handlers
   */
  constructor(state, handlers) {
    this.#state = state;
    this.#handlers = handlers;
    const { onUse, onVary, onEdit, onEnlarge, onControl, onOpen, onClose, onFault } = handlers;
    this.#selection = createSelection(this.#list, {
      shown: () => this.#found.map(({ id }) => id),
      onChange: () => this.#showTools(),
      onDelete: (ids) => this.#remove(ids),
    });
    this.#comparison = createComparison({ onOpen: () => onOpen("comparison"), onClose });
    this.#viewer = createViewer({
      onUse,
      onVary,
      onEdit,
      onEnlarge,
      onControl,
      onLink: handlers.onLink,
      onStar: (saved) => void changeImage(saved).catch(onFault),
      onDelete: ({ id }) => this.#remove([id]),
      onOpen: ({ id }) => onOpen(`${VIEWER}${id}`),
      onClose,
    });
    offerBounds(state);
    this.#listen();
    const soon = () => void this.#refresh().catch(onFault);
    onChange("pictures", soon);
    soon();
  }

  #listen() {
    const { onFault } = this.#handlers;
    for (const input of [this.#search, this.#favourites])
      input.addEventListener("input", () => {
        this.#shown = PAGE;
        this.#show();
      });
    onPress("more-images", () => {
      this.#shown += PAGE;
      this.#show();
    });
    onPress("compare", () => {
      const chosen = this.#found.filter(({ id }) => this.#selection.has(id));
      const [first, second] = chosen.reverse();
      if (first && second) this.#comparison.open(first, second).catch(onFault);
    });
    onPress("delete", () => this.#remove(this.#selection.chosen()));
    onPress("select-all", () => this.#selection.all());
    onPress("select-none", () => this.#selection.none());
    onPress("export", () => void this.#export().catch(onFault));
    onPress("full-clean", () => this.#remove(oldestBeyond(this.#all, this.#bound())));
    this.#state.subscribe(["galleryBound"], () => this.#show());
  }

  /** Bytes from which on the gallery asks whether to delete old images. */
  #bound() {
    return this.#state.get().galleryBound || Infinity;
  }

  /** @param {SavedImage} saved */
  #item(saved) {
    const check = element("input", { type: "checkbox", checked: this.#selection.has(saved.id) });
    check.ariaLabel = say.select(imageName(saved));
    const open = imageButton(saved, () => this.#viewer.open(this.#found, saved));
    const made = element("li", {}, open, check);
    made.dataset["image"] = String(saved.id);
    const star = { className: "star", ariaHidden: "true" };
    if (saved.favourite) made.append(element("span", star, "★"));
    return made;
  }

  #showTools() {
    const [chosen, hidden] = [this.#selection.chosen().length, this.#selection.hidden()];
    const [found, all] = [this.#found.length, this.#all.length];
    const exports = button("export");
    exports.disabled = !found;
    exports.textContent = chosen
      ? say.exportSome(chosen)
      : found < all && found
        ? say.exportShown(found)
        : say.exportAll();
    button("compare").disabled = chosen !== 2;
    button("compare").textContent = say.compareSome(chosen);
    button("delete").disabled = !chosen;
    button("delete").textContent = say.deleteSome(chosen);
    button("select-all").disabled = chosen === found;
    button("select-none").disabled = !chosen && !hidden;
    anyById("selection-facts").textContent = say.selected(chosen, hidden);
  }

  #show() {
    const words = this.#search.value.trim();
    const only = this.#favourites.checked;
    const all = this.#all;
    const found = all.filter((saved) => (!only || saved.favourite) && matches(saved, words));
    this.#found = found;
    this.#selection.keepFocus(() => {
      const items = found.slice(0, this.#shown).map((saved) => this.#item(saved));
      this.#list.replaceChildren(...items);
    });
    button("more-images").hidden = found.length <= this.#shown;
    const bytes = sumOf(all);
    const facts =
      found.length < all.length
        ? say.galleryFound(found.length, all.length, sumOf(found))
        : say.gallery(all.length, bytes);
    anyById("gallery-facts").textContent = all.length ? facts : "";
    anyById("no-images").hidden = found.length > 0;
    anyById("no-images").textContent = all.length ? say.nothingFound() : say.noImages();
    const bound = this.#bound();
    const victims = oldestBeyond(all, bound).length;
    anyById("full").hidden = !victims;
    anyById("full-text").textContent = victims ? say.full(bytes, bound, victims) : "";
    this.#showTools();
  }

  #showStrip() {
    const strip = anyById("strip");
    const latest = this.#all.slice(0, STRIP);
    strip.hidden = latest.length < 2;
    const open = (/** @type {SavedImage} */ saved) => this.#viewer.open(this.#all, saved);
    const buttons = latest.map((saved) => imageButton(saved, () => open(saved)));
    strip.replaceChildren(...buttons.map((one) => element("li", {}, one)));
  }

  async #refresh() {
    this.#all = await listImages();
    this.#selection.keep(new Set(this.#all.map((saved) => saved.id)));
    this.#show();
    this.#showStrip();
    if (this.#wanted) this.open(this.#wanted);
  }

  /** @param {number[]} ids */
  #remove(ids) {
    const { onFault } = this.#handlers;
    takeImages(ids).then((taken) => {
      if (!taken.length) return;
      offerUndo(say.deleted(taken.length), () => void putImages(taken).catch(onFault));
    }, onFault);
  }

  /** Saves the selected images, or all found ones if none is selected, as a zip file. */
  async #export() {
    const chosen = new Set(this.#selection.chosen());
    const images = this.#found.filter(({ id }) => !chosen.size || chosen.has(id));
    // Loaded with the first export, so that the page starts faster.
    const { zipOf } = await import("./export.js");
    save("darkroom.zip", await zipOf(images, this.#handlers.onFault));
  }

  /**
   * Opens the viewer on an image, now or when the images have been read. Any other name closes all
   * dialogs; a comparison cannot be opened again.
   * @param {string} name of the dialog in the history
   */
  open(name) {
    this.#wanted = "";
    const saved = this.#all.find(({ id }) => name === `${VIEWER}${id}`);
    if (saved) this.#viewer.open(this.#found.includes(saved) ? this.#found : this.#all, saved);
    else if (name.startsWith(VIEWER) && !this.#all.length) this.#wanted = name;
    else for (const id of DIALOGS) byId(id, HTMLDialogElement).close();
  }

  enter() {
    this.#show();
    void showStorage();
  }
}

/** The sum of the files' bytes. @param {SavedImage[]} images */
const sumOf = (images) => images.reduce((bytes, one) => bytes + one.bytes, 0);

/** Shows how many bytes this site stores, and how many the browser allows. */
async function showStorage() {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  anyById("gallery-storage").textContent = say.siteStorage(usage, quota);
}

/** Fills the list of bounds. @param {import("../state/page.js").Page} state */
function offerBounds(state) {
  const select = byId("gallery-bound", HTMLSelectElement);
  const { galleryBound: kept } = state.get();
  const choices = [...new Set([...BOUNDS, kept])].sort((a, b) => (a || Infinity) - (b || Infinity));
  select.append(...choices.map((bytes) => new Option(say.bound(bytes), String(bytes))));
  select.value = String(kept);
  select.addEventListener("change", () => state.set({ galleryBound: Number(select.value) }));
}
