// The mask of a start image: a byte for each pixel, 255 where the image is made anew, 0 where it
// stays. Strokes of a round brush with smooth edges, fill, invert, undo. It knows no canvas: each
// operation says which part has changed, so that only that part is drawn again.

import { createHistory } from "./history.js";

/** @typedef {import("./history.js").Rect} Rect */
/** @typedef {import("./history.js").Step} Step */

/** A place of the brush: the centre, and the radius, in pixels of the mask. */
/** @typedef {{ x: number, y: number, radius: number }} Dab */

/** The longer side of a mask; that of a larger image is made smaller. */
export const SIDE_MAX = 2048;

/**
 * The size of the mask of an image.
 * @param {number} width
 * @param {number} height
 */
export function maskSize(width, height) {
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  const side = (/** @type {number} */ of) => Math.max(1, Math.round(of * scale));
  return { width: side(width), height: side(height) };
}

export class Mask {
  #history;
  /** The bytes before the stroke that is being painted. @type {Uint8Array | null} */
  #before = null;
  /** What that stroke has changed so far. @type {Rect | null} */
  #touched = null;

  /**
   * @param {number} width
   * @param {number} height
   * @param {{ steps?: number, bytes?: number }} [bounds] of the history
   */
  constructor(width, height, bounds) {
    this.width = width;
    this.height = height;
    this.bytes = new Uint8Array(width * height);
    this.#history = createHistory(bounds);
  }

  /** @returns {Rect} */
  get whole() {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /** Whether nothing is masked. */
  isEmpty() {
    return !this.bytes.some((value) => value);
  }

  /** The masked share of the image, 0 to 1. */
  share() {
    let sum = 0;
    for (const value of this.bytes) sum += value;
    return sum / (255 * this.bytes.length);
  }

  /** Begins a stroke: one step to undo, however long it is. One that has not ended ends. */
  begin() {
    this.end();
    this.#before = this.bytes.slice();
    this.#touched = null;
  }

  /**
   * Paints or erases a line from one place of the brush to another.
   * @param {Dab} from
   * @param {Dab} to
   * @param {boolean} erase
   * @returns {Rect | null} what may have changed
   */
  line(from, to, erase) {
    const rect = this.#around(from, to);
    if (!rect) return null;
    cover(this, rect, { from, to, erase });
    this.#touched = union(this.#touched, rect);
    return rect;
  }

  /** Ends the stroke. Returns whether it has changed anything. */
  end() {
    const [before, rect] = [this.#before, this.#touched];
    this.#before = this.#touched = null;
    if (!before || !rect) return false;
    return this.#keep(rect, copy(before, this.width, rect));
  }

  /** Takes back the stroke that has not ended. @returns {Rect | null} what has changed */
  cancel() {
    const rect = this.#touched;
    if (this.#before) this.bytes.set(this.#before);
    this.#before = this.#touched = null;
    return rect;
  }

  /** Sets all pixels: 255 masks everything, 0 nothing. @param {number} value */
  fill(value) {
    return this.replace(new Uint8Array(this.bytes.length).fill(value));
  }

  /** What was masked stays, and what stayed is masked. */
  invert() {
    return this.replace(this.bytes.map((value) => 255 - value));
  }

  /**
   * Replaces all pixels, as one step.
   * @param {Uint8Array} bytes
   * @returns {boolean} whether anything has changed
   */
  replace(bytes) {
    if (bytes.length !== this.bytes.length) throw new RangeError("a mask of another size");
    const before = this.bytes.slice();
    this.bytes.set(bytes);
    return this.#keep(this.whole, before);
  }

  /** @returns {Rect | null} what has changed; null if there was nothing to undo */
  undo() {
    return this.#swap(this.#history.back());
  }

  /** Does again what was undone. @returns {Rect | null} as for `undo` */
  redo() {
    return this.#swap(this.#history.forth());
  }

  /** How many steps can be undone, and done again. */
  steps() {
    return this.#history.counts();
  }

  /**
   * Adds a step to the history, if it has changed anything.
   * @param {Rect} rect
   * @param {Uint8Array} before what was there
   */
  #keep(rect, before) {
    const now = copy(this.bytes, this.width, rect);
    const changed = before.some((value, i) => value !== now[i]);
    if (changed) this.#history.add({ rect, bytes: before });
    return changed;
  }

  /** Exchanges the bytes of a step with those of the mask. @param {Step | undefined} step */
  #swap(step) {
    if (!step) return null;
    const { rect, bytes } = step;
    step.bytes = copy(this.bytes, this.width, rect);
    for (let row = 0; row < rect.height; row++) {
      const part = bytes.subarray(row * rect.width, (row + 1) * rect.width);
      this.bytes.set(part, (rect.y + row) * this.width + rect.x);
    }
    return rect;
  }

  /**
   * The part of the mask that a line can reach; null if it lies beside the mask.
   * @param {Dab} from
   * @param {Dab} to
   * @returns {Rect | null}
   */
  #around(from, to) {
    const reach = Math.max(from.radius, to.radius) + 1;
    const low = (/** @type {number} */ a, /** @type {number} */ b) =>
      Math.max(0, Math.floor(Math.min(a, b) - reach));
    const [x, y] = [low(from.x, to.x), low(from.y, to.y)];
    const right = Math.min(this.width, Math.ceil(Math.max(from.x, to.x) + reach));
    const bottom = Math.min(this.height, Math.ceil(Math.max(from.y, to.y) + reach));
    return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
  }
}

/**
 * The smallest part that has both.
 * @param {Rect | null} a
 * @param {Rect | null} b
 * @returns {Rect | null}
 */
export function union(a, b) {
  if (!a || !b) return a ?? b;
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return { x, y, width: right - x, height: bottom - y };
}

/**
 * The bytes of a part.
 * @param {Uint8Array} bytes
 * @param {number} stride bytes of a whole row
 * @param {Rect} rect
 */
function copy(bytes, stride, { x, y, width, height }) {
  const part = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (y + row) * stride + x;
    part.set(bytes.subarray(start, start + width), row * width);
  }
  return part;
}

/**
 * Paints or erases what a brush covers that moves along a line: of each pixel the share that lies
 * within the radius, which changes evenly along the line. With the distance d of the pixel's centre
 * from the line and the radius r there, that share is r − d + ½, from 0 to 1.
 * @param {Mask} mask
 * @param {Rect} rect
 * @param {{ from: Dab, to: Dab, erase: boolean }} line
 */
function cover({ bytes, width: stride }, rect, { from, to, erase }) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const grows = to.radius - from.radius;
  const full = erase ? 0 : 255;
  for (let row = rect.y; row < rect.y + rect.height; row++) {
    const py = row + 0.5 - from.y;
    for (let column = rect.x; column < rect.x + rect.width; column++) {
      const at = row * stride + column;
      const old = bytes[at] ?? 0;
      // Most of a stroke lies where its brush has been just before.
      if (old === full) continue;
      const px = column + 0.5 - from.x;
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      const [ox, oy] = [px - along * dx, py - along * dy];
      const inside = from.radius + along * grows + 0.5;
      const distance = ox * ox + oy * oy;
      if (distance >= inside * inside) continue;
      const share = Math.min(1, inside - Math.sqrt(distance));
      bytes[at] = erase
        ? Math.min(old, Math.round(255 * (1 - share)))
        : Math.max(old, Math.round(255 * share));
    }
  }
}
