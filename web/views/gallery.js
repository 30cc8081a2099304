// The gallery: stored images, to search, mark as favourites, compare, export and delete. The latest
// ones are also in a strip below the image that was made last.

import { say } from "../strings.js";
import { onChange } from "../storage/database.js";
import {
  changeImages,
  listImages,
  matches,
  oldestBeyond,
  putImages,
  takeImages,
} from "../storage/images.js";
import { anyById, button, byId, element, onPress, save } from "../dom.js";
import { imageButton, imageName } from "./thumbnails.js";
import { createSelection } from "./selection.js";
import { offerUndo } from "./undo.js";

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

const PAGE = 60;
const STRIP = 12;

/** The viewer's name in the history, before the number of its image. */
const VIEWER = "picture ";
const COMPARISON = "comparison";
/** The ids of the dialogs' elements. */
const DIALOGS = ["viewer", COMPARISON];

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
 * @property {(name: string) => void} onClose it was closed; how its name begins
 * @property {(error: unknown) => void} onFault
 */

export class Gallery {
  #handlers;
  #state;
  #search = byId("search", HTMLInputElement);
  #favourites = byId("only-favourites", HTMLInputElement);
  #list = anyById("images");
  #selection;
  #strip = anyById("strip");
  /** @type {Promise<ReturnType<typeof import("../viewer/viewer.js").createViewer>> | null} */
  #loading = null;
  /** Counts openings of the viewer, which may still be loaded: of two the later one counts. */
  #openings = 0;
  /** @type {SavedImage[]} */
  #all = [];
  /**
   * Items of images that were shown.
   * @type {Map<number, { item: HTMLElement, favourite: boolean }>}
   */
  #items = new Map();
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
    this.#selection = createSelection(this.#list, {
      shown: () => this.#found.map(({ id }) => id),
      onChange: () => this.#showTools(),
      onDelete: (ids) => this.#remove(ids),
    });
    offerBounds(state);
    this.#listen();
    const soon = () => void this.#refresh().catch(handlers.onFault);
    onChange("pictures", soon);
    soon();
  }

  /** The viewer, loaded at its first use; after a failure the next call tries again. */
  #load() {
    const { onOpen, onClose, onFault } = this.#handlers;
    this.#loading ??= import("../viewer/viewer.js").then(({ createViewer }) =>
      createViewer({
        ...this.#handlers,
        onStar: (saved) => void changeImages([saved]).catch(onFault),
        onDelete: ({ id }) => this.#remove([id]),
        onOpen: ({ id }) => onOpen(`${VIEWER}${id}`),
        onClose: (last) => {
          onClose(VIEWER);
          if (last) this.focus(last);
        },
      }),
    );
    this.#loading.catch(() => (this.#loading = null));
    return this.#loading;
  }

  /** @param {SavedImage[]} all that it shows @param {SavedImage} saved the first */
  #view(all, saved) {
    const mine = ++this.#openings;
    this.#load().then(
      (viewer) => mine === this.#openings && viewer.open(all, saved),
      this.#handlers.onFault,
    );
  }

  /** Moves the focus to an image. @param {SavedImage} saved */
  focus(saved) {
    const at = this.#found.findIndex(({ id }) => id === saved.id);
    const inList = !this.#list.closest("[hidden]");
    if (inList && at >= this.#shown) {
      this.#shown = Math.ceil((at + 1) / PAGE) * PAGE;
      this.#show();
    }
    const place = inList ? this.#list : this.#strip;
    const item = place.querySelector(`li[data-image="${saved.id}"]`);
    item?.querySelector("button")?.focus();
  }

  /** Shows one of the latest images large. @param {(saved: SavedImage) => boolean} isIt */
  view(isIt) {
    const saved = this.#all.slice(0, STRIP).find(isIt);
    if (saved) this.#view(this.#all, saved);
  }

  #listen() {
    const { onFault, onOpen, onClose } = this.#handlers;
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
      const [first, second] = this.#chosen().reverse();
      if (!first || !second) return;
      import("./comparison.js")
        .then(({ theComparison }) => theComparison(() => onClose(COMPARISON)).open(first, second))
        .then(() => onOpen(COMPARISON))
        .catch(onFault);
    });
    onPress("star-some", () => this.#star());
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

  /**
   * The item of an image; the one that there is already, so that its image is not decoded again.
   * @param {SavedImage} saved
   */
  #item(saved) {
    const former = this.#items.get(saved.id);
    const item = former?.favourite === saved.favourite ? former.item : this.#newItem(saved);
    this.#items.set(saved.id, { item, favourite: saved.favourite });
    const check = item.querySelector("input");
    if (check) check.checked = this.#selection.has(saved.id);
    return item;
  }

  /** @param {SavedImage} saved */
  #newItem(saved) {
    const { id } = saved;
    const check = element("input", { type: "checkbox" });
    check.ariaLabel = say.select(imageName(saved));
    const open = imageButton(saved, () => {
      const now = this.#found.find((one) => one.id === id);
      if (now) this.#view(this.#found, now);
    });
    const made = element("li", {}, open, check);
    made.dataset["image"] = String(id);
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
    const starred = chosen > 0 && this.#chosen().every(({ favourite }) => favourite);
    button("star-some").disabled = !chosen;
    button("star-some").textContent = say.starSome(chosen, starred);
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
      renew(
        this.#list,
        found.slice(0, this.#shown).map((saved) => this.#item(saved)),
      );
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
    const strip = this.#strip;
    const latest = this.#all.slice(0, STRIP);
    strip.hidden = latest.length < 2;
    const items = latest.map((saved) => {
      const item = element(
        "li",
        {},
        imageButton(saved, () => this.#view(this.#all, saved)),
      );
      item.dataset["image"] = String(saved.id);
      return item;
    });
    strip.replaceChildren(...items);
  }

  async #refresh() {
    this.#all = await listImages();
    const ids = new Set(this.#all.map((saved) => saved.id));
    this.#selection.keep(ids);
    for (const id of this.#items.keys()) if (!ids.has(id)) this.#items.delete(id);
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

  /** The selected images that are found. */
  #chosen() {
    return this.#found.filter(({ id }) => this.#selection.has(id));
  }

  /** Marks the selected images as favourites; if all of them are, unmarks them. */
  #star() {
    const chosen = this.#chosen();
    const favourite = !chosen.every((saved) => saved.favourite);
    changeImages(chosen.map((saved) => ({ ...saved, favourite }))).catch(this.#handlers.onFault);
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
    if (saved) this.#view(this.#found.includes(saved) ? this.#found : this.#all, saved);
    else if (name.startsWith(VIEWER) && !this.#all.length) this.#wanted = name;
    else {
      this.#openings += 1;
      for (const id of DIALOGS) byId(id, HTMLDialogElement).close();
    }
  }

  enter() {
    this.#show();
    void showStorage();
    this.#load().catch(() => {});
  }
}

/**
 * Gives a list these items; those that are in their place stay there.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} items
 */
function renew(list, items) {
  for (const [i, item] of items.entries()) {
    const there = list.children[i];
    if (there !== item) list.insertBefore(item, there ?? null);
  }
  while (list.children.length > items.length) list.lastElementChild?.remove();
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
