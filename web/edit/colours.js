// A mask as the colours of an image and back: in files white is made anew and black stays; over the
// image the mask is red, with stripes that are seen on a red image too.

/** @typedef {import("./history.js").Rect} Rect */

/** Red, green and blue of a mask over its image, of every other stripe, and the most opacity. */
const RED = /** @type {const} */ ([235, 28, 36]);
const STRIPE = /** @type {const} */ ([255, 96, 92]);
const OPACITY = 0.62;
/** How many stripes a mask's width has. */
const STRIPES = 64;

/**
 * The mask in a file: the brightness of each pixel (ITU-R BT.601, as PIL's convert("L")); what is
 * transparent stays.
 * @param {Uint8ClampedArray} rgba
 */
export function brightness(rgba) {
  const bytes = new Uint8Array(rgba.length / 4);
  for (let i = 0, at = 0; i < bytes.length; i++, at += 4) {
    const grey =
      0.299 * (rgba[at] ?? 0) + 0.587 * (rgba[at + 1] ?? 0) + 0.114 * (rgba[at + 2] ?? 0);
    bytes[i] = Math.round((grey * (rgba[at + 3] ?? 0)) / 255);
  }
  return bytes;
}

/**
 * The mask that an image's transparency is: what cannot be seen is made anew.
 * @param {Uint8ClampedArray} rgba
 */
export function transparency(rgba) {
  const bytes = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 255 - (rgba[i * 4 + 3] ?? 255);
  return bytes;
}

/**
 * White on black, for a file.
 * @param {Uint8Array} bytes
 */
export function whiteOnBlack(bytes) {
  const rgba = new Uint8ClampedArray(bytes.length * 4).fill(255);
  for (let i = 0, at = 0; i < bytes.length; i++, at += 4)
    rgba[at] = rgba[at + 1] = rgba[at + 2] = bytes[i] ?? 0;
  return rgba;
}

/**
 * A part of a mask in red, to lie over its image.
 * @param {Uint8Array} bytes of the whole mask
 * @param {number} stride its width
 * @param {Rect} rect
 */
export function redOver(bytes, stride, { x, y, width, height }) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  const wide = Math.max(1, Math.round(stride / STRIPES));
  for (let row = 0, to = 0; row < height; row++) {
    const start = (y + row) * stride + x;
    for (let at = start; at < start + width; at++, to += 4) {
      const value = bytes[at] ?? 0;
      if (!value) continue;
      const colour = Math.floor((x + at - start + y + row) / wide) % 2 ? STRIPE : RED;
      rgba[to] = colour[0];
      rgba[to + 1] = colour[1];
      rgba[to + 2] = colour[2];
      rgba[to + 3] = value * OPACITY;
    }
  }
  return rgba;
}
