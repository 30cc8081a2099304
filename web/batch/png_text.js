// Texts in PNG files (PNG specification, 11.3.3.4: iTXt, keyword, flags, empty language and
// translation, UTF-8): the template of an expanded prompt, "darkroom-template", as JSON; and what a
// plot takes over from the file of an image.

import { crc32 } from "../files/zip.js";

const TEMPLATE = "darkroom-template";

/** Bytes of the signature, and of the chunk IEND, which ends a file. */
const [BEGIN, END] = [8, 12];

/** The kinds of chunks that hold texts. */
const TEXTS = ["tEXt", "zTXt", "iTXt"];

/**
 * @param {Uint8Array<ArrayBuffer>} png
 * @param {import("./expand.js").Template} template
 */
export const withTemplate = (png, template) =>
  withChunks(png, [textChunk(TEMPLATE, JSON.stringify(template))]);

/**
 * A chunk with a text.
 * @param {string} keyword
 * @param {string} text
 */
export function textChunk(keyword, text) {
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  const made = new Uint8Array(body.length + 8);
  const view = new DataView(made.buffer);
  view.setUint32(0, body.length - 4);
  made.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return made;
}

/**
 * A file with more chunks at its end.
 * @param {Uint8Array<ArrayBuffer>} png
 * @param {Uint8Array<ArrayBuffer>[]} chunks
 */
export function withChunks(png, chunks) {
  const end = png.length - END;
  const all = [png.subarray(0, end), ...chunks, png.subarray(end)];
  const made = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of all) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/**
 * The chunks of a file that hold texts, each with its length and sum.
 * @param {Uint8Array<ArrayBuffer>} png
 * @param {string} without the keyword of those that are left out
 */
export function textChunks(png, without) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const latin1 = new TextDecoder("latin1");
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const found = [];
  for (let at = BEGIN; at + END <= png.length;) {
    const length = view.getUint32(at);
    const chunk = png.subarray(at, at + END + length);
    const isText = TEXTS.includes(latin1.decode(chunk.subarray(4, 8)));
    const keyword = latin1.decode(chunk.subarray(8, 8 + without.length + 1));
    if (isText && keyword !== `${without}\0`) found.push(chunk);
    at += END + length;
  }
  return found;
}
