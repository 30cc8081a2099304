// Decodes the file of a list: UTF-8 or UTF-16, with or without a byte order mark.

import { importText } from "../strings/imports.js";

/**
 * @param {Uint8Array} bytes
 * @throws {SyntaxError} for other encodings
 */
export function decodeText(bytes) {
  const [first, second] = bytes;
  const wide = first === 0xff && second === 0xfe ? "utf-16le" : "utf-16be";
  const marked = wide === "utf-16le" || (first === 0xfe && second === 0xff);
  try {
    return new TextDecoder(marked ? wide : "utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new SyntaxError(importText.wrongText());
  }
}
