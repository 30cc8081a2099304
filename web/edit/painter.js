// The painter: a dialog in which a mask is painted over the start image, by mouse, pen, fingers or
// keys. Each change is handed on a moment later, so that a reload loses nothing.

import { anyById, button, byId, onPress, save } from "../dom.js";
import { editText } from "../strings/edit.js";
import { createBrush } from "./brush.js";
import { maskFile, readMask, readTransparency, scaled } from "./files.js";
import { watchKeys } from "./keys.js";
import { Mask, maskSize } from "./mask.js";
import { watchPointers } from "./pointers.js";
import { createSheet } from "./sheet.js";

/** @typedef {import("./zoom.js").Point} Point */

/** Milliseconds without a change before the mask is handed on, and before it is told of. */
const REST_MS = 700;
const TOLD_MS = 250;
/** The first width of the brush, and the largest, as shares of the mask's longer side. */
const [FIRST, WIDEST] = [1 / 12, 1 / 2];
/** What the keys [ and ] do to the width, and a zoom button to the scale. */
const [WIDER, CLOSER] = [1.2, 1.5];
/** A step of the arrow keys as a share of the brush's width, and with Shift so many steps. */
const [STEP, FAR] = [1 / 4, 5];

/**
 * @param {object} handlers
 * @param {(mask: Blob | null) => Promise<void>} handlers.onMask the mask has changed; null: nothing
 * is masked any more
 * @param {() => void} handlers.onOpen
 * @param {() => void} handlers.onClose
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createPainter({ onMask, onOpen, onClose, onFault }) {
  const dialog = byId("editor", HTMLDialogElement);
  const stage = anyById("editor-stage");
  const slider = byId("editor-size", HTMLInputElement);
  const sheet = createSheet();
  /** The image that is open: its mask, and what of it is transparent. */
  let open = /** @type {ReturnType<typeof begin> | null} */ (null);
  let erases = false;
  /** @type {Point} the keys' cursor, in pixels of the mask */
  let cursor = { x: 0, y: 0 };
  /** Whether the mouse or a pen is over the stage. */
  let over = false;
  /** Whether the mask has changes that were not handed on. */
  let changed = false;
  let [restTimer, toldTimer] = [0, 0];
  /** The latest hand-over, after those before it. @type {Promise<void> | null} */
  let handing = null;

  /** @param {Mask} mask @param {Uint8Array | null} unseen */
  function begin(mask, unseen) {
    return { mask, unseen, brush: createBrush(mask, (rect) => sheet.draw(rect)) };
  }

  const size = () => Number(slider.value);
  const ring = (/** @type {Point | null} */ at) => sheet.ring(at, size());

  /** Says where the cursor is and how much is masked, once nothing changes for a moment. */
  function tell() {
    clearTimeout(toldTimer);
    toldTimer = setTimeout(() => {
      if (!open) return;
      const { width, height } = open.mask;
      anyById("editor-status").textContent = editText.status(cursor, { width, height }, [
        open.mask.share(),
        open.mask.isEmpty(),
      ]);
    }, TOLD_MS);
  }

  function show() {
    const { back = 0, forth = 0 } = open?.mask.steps() ?? {};
    button("editor-undo").disabled = !back;
    button("editor-redo").disabled = !forth;
    button("editor-brush").ariaPressed = String(!erases);
    button("editor-eraser").ariaPressed = String(erases);
    byId("editor-size-value", HTMLOutputElement).value = editText.pixels(size());
    tell();
  }

  function change() {
    changed = true;
    clearTimeout(restTimer);
    restTimer = setTimeout(handOn, REST_MS);
    show();
  }

  /** Hands the mask on, if it has changed. */
  function handOn() {
    clearTimeout(restTimer);
    if (!changed || !open) return;
    changed = false;
    const { mask } = open;
    const file = mask.isEmpty() ? Promise.resolve(null) : maskFile(mask);
    const mine = Promise.all([file, handing])
      .then(([blob]) => onMask(blob))
      .catch(onFault)
      .finally(() => mine === handing && (handing = null));
    handing = mine;
  }

  /** Does something to the whole mask. @param {(mask: Mask) => boolean} act */
  function whole(act) {
    if (!open || open.brush.paints() || !act(open.mask)) return;
    sheet.draw(open.mask.whole);
    change();
  }

  /** @param {"undo" | "redo"} way */
  function step(way) {
    if (!open || open.brush.paints()) return;
    const rect = open.mask[way]();
    if (!rect) return;
    sheet.draw(rect);
    change();
  }

  /** @param {boolean} erase */
  function choose(erase) {
    erases = erase;
    show();
  }

  /** @param {number} factor */
  function widen(factor) {
    const wanted = Math.round(size() * factor);
    slider.value = String(wanted === size() ? size() + Math.sign(factor - 1) : wanted);
    ring(cursor);
    show();
  }

  function endStroke() {
    if (open?.brush.end()) change();
    else show();
  }

  const pointers = watchPointers(stage, {
    onBegin(at, pressure, erase) {
      cursor = sheet.toMask(at);
      ring(cursor);
      open?.brush.begin(cursor, { size: size(), pressure, erase: erase || erases });
    },
    onMove(at, pressure) {
      cursor = sheet.toMask(at);
      open?.brush.move(cursor, size(), pressure);
    },
    onEnd: endStroke,
    onCancel: () => open?.brush.cancel(),
    onPan: (by) => sheet.pan(by),
    onZoom: (factor, at) => sheet.zoom(factor, at),
    onHover(at) {
      over = !!at;
      if (at) cursor = sheet.toMask(at);
      ring(at ? cursor : null);
    },
    pans: () => keys.pans(),
  });

  const keys = watchKeys(dialog, stage, {
    onStep(by, far, paint) {
      if (!open) return;
      const { mask, brush } = open;
      const reach = Math.max(1, Math.round(size() * STEP)) * (far ? FAR : 1);
      const into = (/** @type {number} */ to, /** @type {number} */ side) =>
        Math.min(side, Math.max(0, Math.round(to)));
      if (paint && !brush.paints()) brush.begin(cursor, { size: size(), erase: erases });
      cursor = {
        x: into(cursor.x + by.x * reach, mask.width),
        y: into(cursor.y + by.y * reach, mask.height),
      };
      if (paint) brush.move(cursor, size());
      sheet.reveal(cursor);
      ring(cursor);
      tell();
    },
    onDab() {
      open?.brush.begin(cursor, { size: size(), erase: erases });
      endStroke();
    },
    onRelease: endStroke,
    onUndo: () => step("undo"),
    onRedo: () => step("redo"),
    acts: {
      "[": () => widen(1 / WIDER),
      "]": () => widen(WIDER),
      b: () => choose(false),
      e: () => choose(true),
      "+": () => sheet.zoom(CLOSER),
      "=": () => sheet.zoom(CLOSER),
      "-": () => sheet.zoom(1 / CLOSER),
      0: () => sheet.fit(),
    },
    over: () => over,
  });

  /** Makes what a file says of a mask the mask. @param {File} file */
  async function load(file) {
    const opened = open;
    if (!opened) return;
    try {
      const bytes = await readMask(file, opened.mask);
      if (opened === open) whole((mask) => mask.replace(bytes));
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      anyById("editor-status").textContent = editText.noMask(file.name, message);
    }
  }

  for (const [name, act] of Object.entries({
    brush: () => choose(false),
    eraser: () => choose(true),
    undo: () => step("undo"),
    redo: () => step("redo"),
    fill: () => whole((mask) => mask.fill(255)),
    invert: () => whole((mask) => mask.invert()),
    clear: () => whole((mask) => mask.fill(0)),
    closer: () => sheet.zoom(CLOSER),
    farther: () => sheet.zoom(1 / CLOSER),
    fit: () => sheet.fit(),
    unseen: () => whole((mask) => mask.replace(open?.unseen ?? mask.bytes)),
    save: () =>
      void (open && maskFile(open.mask).then((blob) => save("mask.png", blob)).catch(onFault)),
    done: () => dialog.close(),
  }))
    onPress(`editor-${name}`, act);
  slider.addEventListener("input", show);
  const input = byId("editor-load", HTMLInputElement);
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) void load(file);
  });
  // The keys' cursor is seen while the stage has the focus from the keyboard.
  stage.addEventListener("focus", () => stage.matches(":focus-visible") && ring(cursor));
  stage.addEventListener("blur", () => over || ring(null));
  document.addEventListener("visibilitychange", () => document.hidden && handOn());
  dialog.addEventListener("close", () => {
    pointers.end();
    handOn();
    open = null;
    sheet.close();
    onClose();
  });

  return {
    /**
     * Opens the painter on a start image and its mask.
     * @param {Blob} image
     * @param {Blob | undefined} mask
     */
    async open(image, mask) {
      const { width, height, canvas } = await scaled(image, maskSize);
      const painted = new Mask(width, height);
      if (mask) painted.bytes.set(await readMask(mask, { width, height }));
      open = begin(painted, await readTransparency(image, { width, height }));
      const longer = Math.max(width, height);
      slider.max = String(Math.max(2, Math.round(longer * WIDEST)));
      slider.value = String(Math.max(1, Math.round(longer * FIRST)));
      cursor = { x: Math.round(width / 2), y: Math.round(height / 2) };
      erases = false;
      button("editor-unseen").hidden = !open.unseen;
      if (!dialog.open) dialog.showModal();
      sheet.open(canvas, painted);
      stage.focus({ preventScroll: true });
      show();
      onOpen();
    },

    close: () => dialog.close(),

    /** Resolves when the latest change was handed on; null if there is none. */
    pending: () => handing,
  };
}
