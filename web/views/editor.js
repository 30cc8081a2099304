// The painter, loaded when it is first opened: for the mask of the start image, and for drawings.

import { editText, drawingTexts } from "../strings/edit.js";

/** @typedef {import("../edit/painter.js").Painter} Painter */

/** The key of a drawing, which is no start image's. */
const DRAWING = "drawing";

/**
 * What is painted on: its key, its file, and that of its mask.
 * @typedef {{ key: string, image: Blob, mask: Blob | undefined }} Painted
 */

/**
 * @typedef {object} Handlers
 * @property {(mask: Blob | null, key: string) => Promise<void>} onMask the mask of the start image
 * with this key has changed
 * @property {(open: boolean) => void} onEditor it was opened or closed for a mask
 * @property {(error: unknown) => void} onFault
 */

export class Editor {
  #handlers;
  /** @type {Promise<Painter> | null} */
  #loading = null;
  /** @type {Painter | null} */
  #painter = null;
  /** Counts openings: of two at once the later one counts. */
  #openings = 0;
  /** The id of the control with which it was opened. */
  #opener = "";
  /** Takes what is drawn. @type {(file: Blob | null) => Promise<void>} */
  #onDrawn = async () => {};

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** The painter, made at its first use. After a failure the next call tries again. */
  #load() {
    const { onMask, onEditor, onFault } = this.#handlers;
    this.#loading ??= import("../edit/painter.js").then(
      ({ Painter }) =>
        (this.#painter = new Painter({
          onMask: async (file, key) => {
            if (key !== DRAWING) return onMask(file, key);
            await this.#onDrawn(file);
            // Its control may have been shown anew.
            if (!this.isOpen()) this.#focusOpener();
          },
          isKept: (key) => key !== DRAWING,
          onOpen: (key) => key === DRAWING || onEditor(true),
          onClose: (key) => {
            if (key !== DRAWING) onEditor(false);
            this.#focusOpener();
          },
          onFault,
        })),
    );
    this.#loading.catch(() => (this.#loading = null));
    return this.#loading;
  }

  /**
   * The control with which it was opened may be another element by now, or not be seen: then the
   * focus goes to the button that opens it again.
   */
  #focusOpener() {
    const { activeElement: focus } = document;
    if (focus && focus !== document.body && focus.checkVisibility()) return;
    for (const id of [this.#opener, "initial-edit"]) {
      const place = document.getElementById(id);
      if (!place?.checkVisibility()) continue;
      place.focus({ preventScroll: true });
      return;
    }
  }

  /**
   * Opens it for a mask.
   * @param {() => Promise<unknown> | null} wait resolves when what is on its way is there
   * @param {() => Promise<Painted | null>} find what is painted on then, if there is something
   * @param {(key: string) => boolean} isWanted asked once all is decoded
   */
  async open(wait, find, isWanted) {
    const mine = ++this.#openings;
    this.#opener = document.activeElement?.id ?? "";
    const { onFault } = this.#handlers;
    const painter = await this.#load().catch(({ message }) =>
      onFault(new Error(editText.noPainter(message))),
    );
    await wait();
    await painter?.pending();
    if (!painter || painter.isOpen()) return;
    const found = await find();
    if (!found) return;
    const { key, image, mask } = found;
    await painter.open(key, image, mask, () => mine === this.#openings && isWanted(key));
  }

  /**
   * Opens it for a drawing, white on black.
   * @param {Blob} image what is drawn on
   * @param {Blob | undefined} drawn what was drawn before
   * @param {(file: Blob | null) => Promise<void>} onDrawn is called with each change; null: nothing
   * is drawn
   */
  async draw(image, drawn, onDrawn) {
    const mine = ++this.#openings;
    this.#opener = document.activeElement?.id ?? "";
    const painter = await this.#load();
    await painter.pending();
    if (painter.isOpen()) return;
    this.#onDrawn = onDrawn;
    await painter.open(DRAWING, image, drawn, () => mine === this.#openings, drawingTexts);
  }

  isOpen() {
    return !!this.#painter?.isOpen();
  }

  close() {
    this.#painter?.close();
  }

  /** Resolves when the painted mask is there; null if it is. */
  pending() {
    return this.#painter?.pending() ?? null;
  }

  /** The mask was discarded: it does not come back after a reload. */
  forget() {
    this.#painter?.forget();
  }
}
