// Reads the PNG files that the page and the native program write.

import { inflateSync } from "node:zlib";

/**
 * Pixels of a PNG of eight bits a channel, with or without alpha, and not interlaced; and its
 * texts.
 * @param {Buffer} file
 */
export function decodePng(file) {
  /** @type {Buffer[]} */
  const data = [];
  const texts = new Map();
  let header = file.subarray(0, 0);
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const kind = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") header = body;
    if (kind === "IDAT") data.push(body);
    if (kind === "tEXt" || kind === "iTXt") {
      const end = body.indexOf(0);
      const skip = kind === "tEXt" ? 1 : 5;
      texts.set(body.toString("latin1", 0, end), body.toString("utf8", end + skip));
    }
    at += 12 + length;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = header[9] === 6 ? 4 : 3;
  const rows = unfilter(inflateSync(Buffer.concat(data)), width * channels, height, channels);
  const bytes = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++)
    rows.copy(bytes, i * 4, i * channels, (i + 1) * channels);
  return { width, height, bytes, texts };
}

/**
 * Takes back what PNG does to rows to compress them better.
 * @param {Buffer} raw
 * @param {number} stride
 * @param {number} height
 * @param {number} channels
 */
function unfilter(raw, stride, height, channels) {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < channels ? 0 : (out[at - channels] ?? 0);
      const up = y === 0 ? 0 : (out[at - stride] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (out[at - stride - channels] ?? 0);
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter ?? 0] ?? 0;
      out[at] = (raw[y * (stride + 1) + 1 + x] ?? 0) + guess;
    }
  }
  return out;
}

/**
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function paeth(left, up, corner) {
  const [a, b, c] = [
    Math.abs(up - corner),
    Math.abs(left - corner),
    Math.abs(left + up - 2 * corner),
  ];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
