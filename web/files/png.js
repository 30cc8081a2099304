// The texts inside a PNG file: tEXt, zTXt and iTXt chunks (PNG specification, 11.3.3), by keyword.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The most bytes of a text, more than any request has. Longer texts are skipped. */
const TEXT_MAX = 4_000_000;

/** @param {Uint8Array} bytes */
export function isPng(bytes) {
  return SIGNATURE.every((value, i) => bytes[i] === value);
}

/**
 * The texts of a file by keyword; of two with the same keyword the first. Damaged chunks are
 * skipped: the image may be readable all the same.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Map<string, string>>}
 */
export async function readTexts(bytes) {
  /** @type {Map<string, string>} */
  const texts = new Map();
  if (!isPng(bytes)) return texts;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = latin1(bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IEND" || body.length < length) break;
    const read = { tEXt: textOfTExt, zTXt: textOfZTxt, iTXt: textOfITxt }[kind];
    const end = body.indexOf(0);
    if (read && end > 0) {
      const keyword = latin1(body.subarray(0, end));
      const text = await read(body.subarray(end + 1), keyword).catch(() => null);
      if (text !== null && !texts.has(keyword)) texts.set(keyword, text);
    }
    at += 12 + length;
  }
  return texts;
}

/**
 * @param {Uint8Array<ArrayBuffer>} body
 * @param {string} keyword
 */
async function textOfTExt(body, keyword) {
  return oneByte(body, keyword);
}

/**
 * @param {Uint8Array<ArrayBuffer>} body compression method, compressed text
 * @param {string} keyword
 */
async function textOfZTxt(body, keyword) {
  return oneByte(await inflate(body.subarray(1)), keyword);
}

/**
 * @param {Uint8Array<ArrayBuffer>} body compression flag and method, language, keyword, UTF-8 text
 */
async function textOfITxt(body) {
  const language = body.indexOf(0, 2);
  const keyword = body.indexOf(0, language + 1);
  if (language < 0 || keyword < 0) throw new Error("the chunk is cut");
  const text = body.subarray(keyword + 1);
  return new TextDecoder().decode(body[0] === 1 ? await inflate(text) : text);
}

/**
 * The text of a chunk that should be Latin-1. This program's text is. Other programs write UTF-8
 * as well; a Latin-1 text is hardly ever valid UTF-8, so that is tried first.
 * @param {Uint8Array} bytes
 * @param {string} keyword
 */
function oneByte(bytes, keyword) {
  if (keyword === "darkroom") return latin1(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

/** @param {Uint8Array} bytes */
function latin1(bytes) {
  // TextDecoder's "latin1" is Windows-1252, which differs from 0x80 to 0x9f.
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/**
 * Decompresses a zlib stream.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {number} [most] bytes of the result; more is an error
 */
export async function inflate(bytes, most = TEXT_MAX) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new Error("it is too long");
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
