// Reads the texts in Exif data of JPEG, WebP and PNG files (CIPA DC-008), and the XMP of JPEG and
// WebP files. AUTOMATIC1111's web UI writes its settings as the user comment; nodes of ComfyUI
// write JSON after `prompt:` or `workflow:`; Draw Things writes XMP.

import { isPng } from "./png.js";

/** Tags: the user comment, and the table that has it. */
const [COMMENT, DETAILS] = [0x9286, 0x8769];
/** The keyword of XMP in PNG files, and what it begins with in JPEG files. */
const [XMP, XMP_MARK] = ["XML:com.adobe.xmp", "http://ns.adobe.com/xap/1.0/\0"];
/** The most entries of one table, and bytes of one text, that are read. */
const [ENTRIES_MAX, TEXT_MAX] = [200, 4_000_000];

/**
 * @param {Uint8Array} bytes of a whole file
 * @returns {Map<string, string>} texts by the keyword that a PNG file would have
 */
export function readExif(bytes) {
  /** @type {Map<string, string>} */
  const texts = new Map();
  const { exif, xmp } = inJpeg(bytes) ?? inWebp(bytes) ?? inPng(bytes) ?? {};
  if (xmp && xmp.length <= TEXT_MAX) texts.set(XMP, new TextDecoder().decode(xmp));
  try {
    if (exif) readTables(exif, texts);
  } catch {
    // Damaged: the texts so far are returned.
  }
  return texts;
}

/** @typedef {{ exif?: Uint8Array, xmp?: Uint8Array }} Data */

/** @param {Uint8Array} bytes @param {number} at @param {string} text */
const says = (bytes, at, text) =>
  [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

/** @param {Uint8Array} bytes @returns {Data | null} null for another kind of file */
function inJpeg(bytes) {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  /** @type {Data} */
  const found = {};
  for (let at = 2; at + 10 < bytes.length && bytes[at] === 0xff;) {
    const kind = bytes[at + 1] ?? 0;
    const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    // The image data begins: no such segments follow.
    if (kind === 0xda || length < 2) break;
    const end = at + 2 + length;
    if (kind === 0xe1 && says(bytes, at + 4, "Exif\0\0"))
      found.exif ??= bytes.subarray(at + 10, end);
    if (kind === 0xe1 && says(bytes, at + 4, XMP_MARK))
      found.xmp ??= bytes.subarray(at + 4 + XMP_MARK.length, end);
    at = end;
  }
  return found;
}

/** @param {Uint8Array} bytes @returns {Data | null} */
function inWebp(bytes) {
  if (!says(bytes, 0, "RIFF") || !says(bytes, 8, "WEBP")) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** @type {Data} */
  const found = {};
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (says(bytes, at, "EXIF")) found.exif ??= bare(body);
    if (says(bytes, at, "XMP ")) found.xmp ??= body;
    at += 8 + length + (length & 1);
  }
  return found;
}

/**
 * The chunk eXIf (PNG specification, 11.3.2.7), which may also follow the image data.
 * @param {Uint8Array} bytes
 * @returns {Data | null}
 */
function inPng(bytes) {
  if (!isPng(bytes)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    if (says(bytes, at + 4, "eXIf")) return { exif: bare(bytes.subarray(at + 8, at + 8 + length)) };
    at += 12 + length;
  }
  return null;
}

/**
 * The data without the header of JPEG files, which some programs write in other files too.
 * @param {Uint8Array} data
 */
const bare = (data) => (says(data, 0, "Exif\0\0") ? data.subarray(6) : data);

/**
 * @param {Uint8Array} data a TIFF header and its tables
 * @param {Map<string, string>} texts
 */
function readTables(data, texts) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const little = says(data, 0, "II");
  if (!little && !says(data, 0, "MM")) return;
  const tables = [view.getUint32(4, little)];
  // The first table, and the one that it points to.
  for (let i = 0; i < tables.length && i < 2; i++) {
    const table = tables[i] ?? 0;
    const count = Math.min(view.getUint16(table, little), ENTRIES_MAX);
    for (let entry = 0; entry < count; entry++) {
      const at = table + 2 + 12 * entry;
      const [tag, type] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
      const length = view.getUint32(at + 4, little);
      if (tag === DETAILS) tables.push(view.getUint32(at + 8, little));
      if ((type !== 2 && type !== 7) || length > TEXT_MAX) continue;
      const start = length > 4 ? view.getUint32(at + 8, little) : at + 8;
      const value = data.subarray(start, start + length);
      if (tag === COMMENT) texts.set("parameters", comment(value, little));
      else keyed(value, texts);
    }
  }
}

/** What a user comment's encoding is called; zeros: it is not said. */
const ENCODINGS = ["UNICODE\0", "ASCII\0\0\0", "JIS\0\0\0\0\0", "\0\0\0\0\0\0\0\0"];

/**
 * The text of a user comment. Its first eight bytes name the encoding, but in files of programs
 * that write the text alone.
 * @param {Uint8Array} value
 * @param {boolean} little
 */
function comment(value, little) {
  const isNamed = ENCODINGS.some((name) => says(value, 0, name));
  const text = isNamed ? value.subarray(8) : value;
  if (!says(value, 0, "UNICODE")) return trimmed(new TextDecoder().decode(text));
  // The byte order is not stored. In most texts the high byte of a letter is zero, so the position
  // with more zeros is that of the high byte.
  const zeros = [0, 0];
  for (const [i, byte] of text.subarray(0, 2000).entries())
    if (!byte) zeros[i & 1] = (zeros[i & 1] ?? 0) + 1;
  const [first = 0, second = 0] = zeros;
  const lowFirst = first === second ? little : second > first;
  return trimmed(new TextDecoder(lowFirst ? "utf-16le" : "utf-16be").decode(text));
}

/**
 * @param {Uint8Array} value
 * @param {Map<string, string>} texts
 */
function keyed(value, texts) {
  const text = trimmed(new TextDecoder().decode(value));
  for (const keyword of ["prompt", "workflow"])
    if (text.startsWith(`${keyword}:`)) texts.set(keyword, text.slice(keyword.length + 1));
}

/** @param {string} text */
function trimmed(text) {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
