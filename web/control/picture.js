// The pictures of controls: shown small, and the black one that a drawing begins with.

import { pngOf, scaled } from "../edit/files.js";
import { startImageFile } from "../storage/start_images.js";
import { byId } from "../dom.js";

/** The most pixels of a drawing, and its size where the form says none. */
const [MOST, USUAL] = [1 << 24, { width: 512, height: 512 }];

/** The longer side of a picture in the form, in pixels of the page. */
const SMALL = 160;

/**
 * Draws a picture small; without a canvas it is only decoded.
 * @param {HTMLCanvasElement | null} canvas
 * @param {Blob | string} picture its file, or its key in the storage
 * @returns {Promise<{ width: number, height: number } | null>} its own size; null if there is none
 * @throws {Error} if it is no image
 */
export async function drawSmall(canvas, picture) {
  const file = typeof picture === "string" ? picture && (await startImageFile(picture)) : picture;
  if (!file) return null;
  const made = await scaled(file, (width, height) => {
    const scale = Math.min(1, SMALL / Math.max(width, height));
    const side = (/** @type {number} */ of) => Math.max(1, Math.round(of * scale));
    return { width: side(width), height: side(height) };
  });
  if (canvas) {
    [canvas.width, canvas.height] = [made.width, made.height];
    canvas.getContext("2d")?.drawImage(made.canvas, 0, 0);
  }
  return made.own;
}

/** The size of the next image, as far as the form says it. */
export function nextSize() {
  const [width = 0, height = 0] = ["width", "height"].map((name) => {
    const input = byId(name, HTMLInputElement);
    return Math.round(Number(input.value.trim() || input.placeholder));
  });
  return width > 0 && height > 0 && width * height <= MOST ? { width, height } : USUAL;
}

/** A black image of this size. @param {{ width: number, height: number }} size */
export function blackImage({ width, height }) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let at = 3; at < rgba.length; at += 4) rgba[at] = 255;
  return pngOf({ width, height, rgba });
}
