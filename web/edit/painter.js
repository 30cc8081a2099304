// The painter: a dialog in which a mask is painted over the start image, by mouse, pen, fingers or
// keys. Each change is handed on a moment later; a page that goes in that moment writes it down.

import { anyById, button, byId, onPress, save } from "../dom.js";
import { editText, maskTexts } from "../strings/edit.js";
import { createBrush } from "./brush.js";
import { maskFile, readMask, readTransparency, scaled } from "./files.js";
import { watchKeys } from "./keys.js";
import { Mask, maskSize } from "./mask.js";
import { Pointers } from "./pointers.js";
import { createSheet } from "./sheet.js";
import { forgetUnsaved, keepUnsaved } from "./unsaved.js";

/** @typedef {import("./zoom.js").Point} Point */

/** Milliseconds without a change before the mask is handed on, and before it is told of. */
const REST_MS = 300;
const TOLD_MS = 250;
/** Milliseconds after which a change is stored, and named by the draft. */
const STORED_MS = 5000;
/** The first width of the brush, and the largest, as shares of the mask's longer side. */
const [FIRST, WIDEST] = [1 / 12, 1 / 2];
/** What the keys [ and ] do to the width, and a zoom button to the scale. */
const [WIDER, CLOSER] = [1.2, 1.5];
/** A step of the arrow keys as a share of the brush's width, and with Shift so many steps. */
const [STEP, FAR] = [1 / 4, 5];

/**
 * An image that is open: its key, its mask, the brush on it, and what of it is transparent.
 * @typedef {{ key: string, mask: Mask, brush: ReturnType<typeof createBrush>,
 * unseen: Uint8Array | null }} Open
 */

/**
 * @typedef {object} Handlers
 * @property {(mask: Blob | null, key: string) => Promise<void>} onMask the mask of the image with
 * this key has changed; null: nothing is masked any more
 * @property {(key: string) => boolean} isKept whether it is a mask that is kept over a reload
 * @property {(key: string) => void} onOpen
 * @property {(key: string) => void} onClose
 * @property {(error: unknown) => void} onFault
 */

export class Painter {
  #handlers;
  #dialog = byId("editor", HTMLDialogElement);
  #stage = anyById("editor-stage");
  #slider = byId("editor-size", HTMLInputElement);
  #sheet = createSheet();
  #pointers;
  #keys;
  /** @type {Open | null} */
  #open = null;
  #erases = false;
  /** Whether the stroke that is being painted is one of the keys. */
  #keyed = false;
  /** The keys' cursor, in pixels of the mask. @type {Point} */
  #cursor = { x: 0, y: 0 };
  /** Whether the mouse or a pen is over the stage. */
  #over = false;
  /** Whether the mask has changes that were not handed on. */
  #changed = false;
  #restTimer = 0;
  #toldTimer = 0;
  /** The latest change. @type {{ key: string, mask: Mask, time: number } | null} */
  #latest = null;
  /** The latest hand-over, after those before it. @type {Promise<void> | null} */
  #handing = null;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#pointers = this.#watchPointers();
    this.#keys = this.#watchKeys();
    this.#watchButtons();
    this.#watchFiles();
    // The keys' cursor is seen while the stage has the focus from the keyboard.
    this.#stage.addEventListener("focus", () => {
      if (this.#stage.matches(":focus-visible")) this.#ring(true);
    });
    this.#stage.addEventListener("blur", () => this.#over || this.#ring(false));
    document.addEventListener("visibilitychange", () => document.hidden && this.#handOn());
    addEventListener("pagehide", () => {
      const { key = "", mask, time = 0 } = this.#latest ?? {};
      if (mask && handlers.isKept(key) && performance.now() - time < STORED_MS)
        keepUnsaved(key, mask);
    });
    // A page that comes back as it was goes on by itself.
    addEventListener("pageshow", ({ persisted }) => persisted && forgetUnsaved());
    this.#dialog.addEventListener("close", () => {
      this.#pointers.end();
      this.#handOn();
      const key = this.#open?.key ?? "";
      this.#open = null;
      this.#sheet.close();
      handlers.onClose(key);
    });
  }

  /**
   * Opens the painter on a start image and its mask.
   * @param {string} key of the image
   * @param {Blob} image
   * @param {Blob | undefined} file of the mask
   * @param {() => boolean} isWanted asked once all is decoded: whether it is still to be opened
   * @param {{ title: string, hint: string }} [texts] what is painted
   */
  async open(key, image, file, isWanted, texts = maskTexts) {
    const { width, height, canvas } = await scaled(image, maskSize);
    const mask = new Mask(width, height);
    if (file) mask.bytes.set(await readMask(file, { width, height }));
    const unseen = await readTransparency(image, { width, height });
    if (!isWanted()) return;
    const brush = createBrush(mask, (rect) => this.#sheet.draw(rect));
    this.#open = { key, mask, unseen, brush };
    const longer = Math.max(width, height);
    this.#slider.max = String(Math.max(2, Math.round(longer * WIDEST)));
    this.#slider.value = String(Math.max(1, Math.round(longer * FIRST)));
    this.#cursor = { x: Math.round(width / 2), y: Math.round(height / 2) };
    this.#erases = false;
    button("editor-unseen").hidden = !unseen;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#sheet.open(canvas, mask);
    this.#stage.focus({ preventScroll: true });
    this.#show();
    anyById("editor-title").textContent = texts.title;
    anyById("editor-hint").textContent = texts.hint;
    this.#handlers.onOpen(key);
  }

  /** Whether it is open. */
  isOpen() {
    return this.#dialog.open;
  }

  /** Closes it. The change is on its way before anything else can happen. */
  close() {
    this.#handOn();
    this.#dialog.close();
  }

  /** The latest change is not written down: the mask was discarded. */
  forget() {
    this.#latest = null;
  }

  /** Resolves when the latest change was handed on; null if there is none. */
  pending() {
    return this.#handing;
  }

  #watchPointers() {
    const to = (/** @type {Point} */ at) => (this.#cursor = this.#sheet.toMask(at));
    return new Pointers(this.#stage, {
      onBegin: (at, pressure, eraser) => {
        const how = { size: this.#size, pressure, erase: eraser || this.#erases };
        this.#keyed = false;
        this.#open?.brush.begin(to(at), how);
        this.#ring(true);
      },
      onMove: (at, pressure) => this.#open?.brush.move(to(at), this.#size, pressure),
      onEnd: () => this.#endStroke(),
      onCancel: () => void (this.#open?.brush.cancel() && this.#change()),
      onPan: (by) => this.#sheet.pan(by),
      onZoom: (factor, at) => this.#sheet.zoom(factor, at),
      onHover: (at) => {
        this.#over = !!at;
        if (at) to(at);
        this.#ring(this.#over);
      },
      pans: () => this.#keys.pans(),
    });
  }

  #watchKeys() {
    const brush = (/** @type {boolean} */ erase) => () => this.#choose(erase);
    const zoom = (/** @type {number} */ factor) => () => this.#sheet.zoom(factor);
    return watchKeys(this.#dialog, this.#stage, {
      onStep: (by, far, paint) => this.#step(by, far, paint),
      onDab: () => {
        // A key that is pressed during a stroke of the mouse.
        if (!this.#open || this.#open.brush.paints()) return;
        this.#open.brush.begin(this.#cursor, { size: this.#size, erase: this.#erases });
        this.#endStroke();
      },
      onRelease: () => this.#keyed && this.#endStroke(),
      onUndo: () => this.#history("undo"),
      onRedo: () => this.#history("redo"),
      acts: {
        "[": () => this.#widen(1 / WIDER),
        "]": () => this.#widen(WIDER),
        ...{ b: brush(false), e: brush(true) },
        ...{ "+": zoom(CLOSER), "=": zoom(CLOSER), "-": zoom(1 / CLOSER) },
        0: () => this.#sheet.fit(),
      },
      over: () => this.#over,
    });
  }

  #watchButtons() {
    /** @type {Record<string, () => void>} */
    const acts = {
      brush: () => this.#choose(false),
      eraser: () => this.#choose(true),
      undo: () => this.#history("undo"),
      redo: () => this.#history("redo"),
      fill: () => this.#whole((mask) => mask.fill(255)),
      invert: () => this.#whole((mask) => mask.invert()),
      clear: () => this.#whole((mask) => mask.fill(0)),
      closer: () => this.#sheet.zoom(CLOSER),
      farther: () => this.#sheet.zoom(1 / CLOSER),
      fit: () => this.#sheet.fit(),
      unseen: () => this.#whole((mask) => mask.replace(this.#open?.unseen ?? mask.bytes)),
      save: () => void this.#save().catch(this.#handlers.onFault),
      done: () => this.close(),
    };
    for (const [name, act] of Object.entries(acts)) onPress(`editor-${name}`, act);
    this.#slider.addEventListener("input", () => this.#show());
    const input = byId("editor-load", HTMLInputElement);
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = "";
      if (file) void this.#load(file);
    });
  }

  /** While it is open, a file that is dropped or pasted is a mask for it. */
  #watchFiles() {
    /** @param {Event} event @param {DataTransfer | null} data */
    const take = (event, data) => {
      const [file] = data?.files ?? [];
      if (!file || !this.#dialog.open) return;
      event.preventDefault();
      void this.#load(file);
    };
    document.addEventListener("drop", (event) => take(event, event.dataTransfer));
    document.addEventListener("paste", (event) => take(event, event.clipboardData));
  }

  /** The width of the brush in pixels of the mask. */
  get #size() {
    return Number(this.#slider.value);
  }

  /** Shows the ring of the brush at the cursor, or hides it. @param {boolean} shown */
  #ring(shown) {
    this.#sheet.ring(shown ? this.#cursor : null, this.#size);
  }

  /** @param {boolean} erase */
  #choose(erase) {
    this.#erases = erase;
    this.#show();
  }

  /** @param {number} factor of the brush's width */
  #widen(factor) {
    const [now, wanted] = [this.#size, Math.round(this.#size * factor)];
    this.#slider.value = String(wanted === now ? now + Math.sign(factor - 1) : wanted);
    this.#ring(true);
    this.#show();
  }

  /**
   * An arrow key moves the cursor.
   * @param {Point} by
   * @param {boolean} far
   * @param {boolean} paint on the way
   */
  #step(by, far, paint) {
    if (!this.#open) return;
    const { mask, brush } = this.#open;
    const reach = Math.max(1, Math.round(this.#size * STEP)) * (far ? FAR : 1);
    const into = (/** @type {number} */ to, /** @type {number} */ side) =>
      Math.min(side, Math.max(0, Math.round(to)));
    const how = { size: this.#size, erase: this.#erases };
    if (paint && !brush.paints()) {
      this.#keyed = true;
      brush.begin(this.#cursor, how);
    }
    this.#cursor = {
      x: into(this.#cursor.x + by.x * reach, mask.width),
      y: into(this.#cursor.y + by.y * reach, mask.height),
    };
    if (paint && this.#keyed) brush.move(this.#cursor, this.#size);
    this.#sheet.reveal(this.#cursor);
    this.#ring(true);
    this.#tell();
  }

  #endStroke() {
    this.#keyed = false;
    if (this.#open?.brush.end()) this.#change();
    else this.#show();
  }

  /** Does something to the whole mask. @param {(mask: Mask) => boolean} act */
  #whole(act) {
    if (!this.#open || this.#open.brush.paints() || !act(this.#open.mask)) return;
    this.#sheet.draw(this.#open.mask.whole);
    this.#change();
  }

  /** @param {"undo" | "redo"} way */
  #history(way) {
    if (!this.#open || this.#open.brush.paints()) return;
    const rect = this.#open.mask[way]();
    if (!rect) return;
    this.#sheet.draw(rect);
    this.#change();
  }

  #change() {
    this.#changed = true;
    if (this.#open) this.#latest = { ...this.#open, time: performance.now() };
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => this.#handOn(), REST_MS);
    this.#show();
  }

  /** Hands the mask on, if it has changed. */
  #handOn() {
    clearTimeout(this.#restTimer);
    if (!this.#changed || !this.#open) return;
    this.#changed = false;
    const { key, mask } = this.#open;
    const file = mask.isEmpty() ? Promise.resolve(null) : maskFile(mask);
    const mine = Promise.all([file, this.#handing])
      .then(([blob]) => this.#handlers.onMask(blob, key))
      .catch(this.#handlers.onFault)
      .finally(() => {
        if (mine === this.#handing) this.#handing = null;
      });
    this.#handing = mine;
  }

  #show() {
    const { back = 0, forth = 0 } = this.#open?.mask.steps() ?? {};
    for (const [name, count] of /** @type {const} */ ([
      ["undo", back],
      ["redo", forth],
    ])) {
      const one = button(`editor-${name}`);
      // A disabled button would lose the focus.
      if (!count && document.activeElement === one) this.#stage.focus();
      one.disabled = !count;
    }
    button("editor-brush").ariaPressed = String(!this.#erases);
    button("editor-eraser").ariaPressed = String(this.#erases);
    byId("editor-size-value", HTMLOutputElement).value = editText.pixels(this.#size);
    this.#tell();
  }

  /** Says where the cursor is and how much is masked, once nothing changes for a moment. */
  #tell() {
    clearTimeout(this.#toldTimer);
    this.#toldTimer = setTimeout(() => {
      const mask = this.#open?.mask;
      if (!mask) return;
      const masked = { share: mask.share(), empty: mask.isEmpty() };
      anyById("editor-status").textContent = editText.status(this.#cursor, mask, masked);
    }, TOLD_MS);
  }

  async #save() {
    if (this.#open) save("mask.png", await maskFile(this.#open.mask));
  }

  /** Makes what a file says of a mask the mask. @param {File} file */
  async #load(file) {
    const open = this.#open;
    if (!open) return;
    try {
      const bytes = await readMask(file, open.mask);
      if (open === this.#open) this.#whole((mask) => mask.replace(bytes));
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      clearTimeout(this.#toldTimer);
      anyById("editor-status").textContent = editText.noMask(file.name, message);
    }
  }
}
