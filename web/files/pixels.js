// The pixels of any image that the browser can read, for the engine.

import { importText } from "../strings/imports.js";
import { hasOpacity, pngPixels } from "./png_pixels.js";
import { isPng } from "./png.js";

/** @typedef {import("../engine/protocol.js").Pixels} Pixels */

/**
 * The side of the largest square that is read; other shapes may have as many pixels. The native
 * program has the same bound.
 */
const SIDE_MAX = 8192;

/**
 * The pixels of a file. The colours are those in the file, also where it is transparent, as PIL's
 * convert("RGB") gives them.
 * @param {Blob} file
 * @returns {Promise<Pixels>} of its own size, opaque
 * @throws {Error} if it is no image; if it is too large, before it is decompressed
 */
export async function pixelsOf(file) {
  const [width = 0, height = 0] = await sizeOf(file);
  if (width * height > SIDE_MAX ** 2) throw new Error(importText.tooLarge(width, height, SIDE_MAX));
  const head = new Uint8Array(await file.slice(0, 64).arrayBuffer());
  if (isPng(head)) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const pixels = hasOpacity(bytes) ? await pngPixels(bytes) : null;
    if (pixels) return pixels;
  }
  return decoded(file);
}

/**
 * Decodes with the browser, which loses the colours of fully transparent pixels.
 * @param {Blob} file
 * @returns {Promise<Pixels>}
 */
async function decoded(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return { width, height, rgba: data };
}

/**
 * Width and height in the header of a PNG, JPEG or WebP file; zeros for other files.
 * @param {Blob} file
 */
export async function sizeOf(file) {
  const bytes = new Uint8Array(await file.slice(0, 1 << 20).arrayBuffer());
  const view = new DataView(bytes.buffer);
  if (isPng(bytes) && bytes.length >= 24) return [view.getUint32(16), view.getUint32(20)];
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegSize(view);
  const word = (/** @type {number} */ at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  const webp = word(0) === "RIFF" && word(8) === "WEBP";
  if (webp && bytes.length >= 30) return webpSize(view, word(12));
  return [0, 0];
}

/** @param {DataView} view */
function jpegSize(view) {
  for (let at = 2; at + 9 <= view.byteLength && view.getUint8(at) === 0xff;) {
    const kind = view.getUint8(at + 1);
    // Frames: SOF0 to SOF15 but for three other markers among them.
    const frame = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
    if (frame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    const length = view.getUint16(at + 2);
    if (kind === 0xda || length < 2) break;
    at += 2 + length;
  }
  return [0, 0];
}

/** @param {DataView} view @param {string} kind of its first chunk */
function webpSize(view, kind) {
  if (kind === "VP8X") {
    // Three bytes each, less one.
    return [(view.getUint32(24, true) & 0xffffff) + 1, (view.getUint32(26, true) >>> 8) + 1];
  }
  if (kind === "VP8 ") return [26, 28].map((at) => view.getUint16(at, true) & 0x3fff);
  if (kind !== "VP8L") return [0, 0];
  const bits = view.getUint32(21, true);
  return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
}
