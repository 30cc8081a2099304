// Masks as PNG files, and what images say of a mask: their brightness or their transparency. The
// browser decodes, encodes and scales.

import { pixelsOf } from "../files/pixels.js";
import { brightness, transparency, whiteOnBlack } from "./colours.js";

/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./zoom.js").Size} Size */

/** The name in the settings of a mask that is not stored as a file yet (unsaved.js). */
export const UNSAVED = "unsaved-mask";

/**
 * A canvas and its context.
 * @param {number} width
 * @param {number} height
 */
function canvasOf(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  return { canvas, context };
}

/**
 * Pixels as a PNG file.
 * @param {import("../engine/protocol.js").Pixels} pixels
 */
export async function pngOf({ width, height, rgba }) {
  const { canvas, context } = canvasOf(width, height);
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/**
 * The file of a mask: white is made anew.
 * @param {Pick<Mask, "width" | "height" | "bytes">} mask
 */
export const maskFile = ({ width, height, bytes }) =>
  pngOf({ width, height, rgba: whiteOnBlack(bytes) });

/**
 * An image in another size, with its colours as they are in the file.
 * @param {Blob} file
 * @param {(width: number, height: number) => Size} sizeFor the size wanted, by its own
 */
export async function scaled(file, sizeFor) {
  const { width, height, rgba } = await pixelsOf(file);
  const size = sizeFor(width, height);
  const { canvas, context } = canvasOf(size.width, size.height);
  const bitmap = await createImageBitmap(new ImageData(rgba, width, height));
  context.drawImage(bitmap, 0, 0, size.width, size.height);
  bitmap.close();
  return { ...size, own: { width, height }, canvas };
}

/**
 * The pixels of a file, scaled by the browser, with their opacity.
 * @param {Blob} file
 * @param {Size} size
 */
async function pixelsIn(file, { width, height }) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { context } = canvasOf(width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}

/**
 * The mask in a file, in the size of another.
 * @param {Blob} file
 * @param {Size} size
 */
export const readMask = async (file, size) => brightness(await pixelsIn(file, size));

/**
 * What is transparent in an image; null if nothing is.
 * @param {Blob} file
 * @param {Size} size
 */
export async function readTransparency(file, size) {
  const bytes = transparency(await pixelsIn(file, size));
  return bytes.some((value) => value) ? bytes : null;
}
