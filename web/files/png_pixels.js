// Decodes PNG files with transparency (PNG specification, 7 to 10). A browser's own decoder
// multiplies colours by their opacity and so loses those of fully transparent pixels. Files that
// are interlaced, or rotated by Exif data, are left to the browser.

import { inflate } from "./png.js";

/** @typedef {import("../engine/protocol.js").Pixels} Pixels */

/** Numbers of a pixel, by colour type. */
const CHANNELS = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/** @param {Uint8Array<ArrayBuffer>} bytes */
function* chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length) return;
    yield { kind, body };
    at += 12 + length;
  }
}

/**
 * Whether a PNG file has transparency: an alpha channel, or a chunk tRNS.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function hasOpacity(bytes) {
  if (bytes[25] === 4 || bytes[25] === 6) return true;
  for (const { kind } of chunks(bytes)) {
    if (kind === "tRNS") return true;
    if (kind === "IDAT") return false;
  }
  return false;
}

/**
 * The pixels, made opaque; null if the file is damaged or is left to the browser.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Pixels | null>}
 */
export async function pngPixels(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth = 0, type = 0] = bytes.subarray(24, 26);
  const channels = CHANNELS.get(type);
  const all = [...chunks(bytes)];
  const turned = all.some(({ kind }) => kind === "eXIf");
  const ended = all.some(({ kind }) => kind === "IEND");
  if (!channels || bytes[28] !== 0 || turned || !ended) return null;
  const packed = all.filter(({ kind }) => kind === "IDAT").map(({ body }) => body);
  const row = Math.ceil((width * channels * depth) / 8);
  const size = (row + 1) * height;
  const whole = new Uint8Array(await new Blob(packed).arrayBuffer());
  const raw = await inflate(whole, size).catch(() => null);
  if (!raw || raw.length !== size) return null;
  const pixel = Math.max(1, (channels * depth) / 8);
  if (!unfilter(raw, row, height, pixel)) return null;
  const palette = all.find(({ kind }) => kind === "PLTE")?.body;
  const picture = { raw, row, width, height, depth, type, channels };
  return { width, height, rgba: colours(picture, palette) };
}

/**
 * Undoes the filters of all rows, in place.
 * @param {Uint8Array} raw a byte for the filter before each row
 * @param {number} row bytes
 * @param {number} height
 * @param {number} pixel bytes between neighbours
 */
function unfilter(raw, row, height, pixel) {
  for (let y = 0; y < height; y++) {
    const start = y * (row + 1) + 1;
    const filter = raw[start - 1] ?? 0;
    if (filter > 4) return false;
    for (let x = 0; x < row && filter; x++) {
      const left = x >= pixel ? (raw[start + x - pixel] ?? 0) : 0;
      const up = y ? (raw[start + x - row - 1] ?? 0) : 0;
      const corner = y && x >= pixel ? (raw[start + x - pixel - row - 1] ?? 0) : 0;
      const guess = [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0];
      raw[start + x] = (raw[start + x] ?? 0) + (guess[filter] ?? 0);
    }
  }
  return true;
}

/** @param {number} left @param {number} up @param {number} corner */
function paeth(left, up, corner) {
  const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs);
  if ((a ?? 0) <= (b ?? 0) && (a ?? 0) <= (c ?? 0)) return left;
  return (b ?? 0) <= (c ?? 0) ? up : corner;
}

/**
 * @param {{ raw: Uint8Array, row: number, width: number, height: number, depth: number,
 * type: number, channels: number }} picture
 * @param {Uint8Array} [palette]
 */
function colours({ raw, row, width, height, depth, type, channels }, palette) {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  const most = type === 3 ? 1 : 255 / ((1 << Math.min(depth, 8)) - 1);
  /** @type {(start: number, index: number) => number} */
  const value = (start, index) => {
    // 16 bits: the upper eight. Fewer than eight bits: a part of a byte.
    if (depth >= 8) return raw[start + (index * depth) / 8] ?? 0;
    const bit = index * depth;
    const byte = raw[start + (bit >> 3)] ?? 0;
    return (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  };
  for (let y = 0; y < height; y++) {
    const start = y * (row + 1) + 1;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const at = x * channels + (channels < 3 ? 0 : c);
        const number = value(start, at);
        const shown = type === 3 ? (palette?.[3 * number + c] ?? 0) : number * most;
        rgba[4 * (y * width + x) + c] = shown;
      }
    }
  }
  return rgba;
}
