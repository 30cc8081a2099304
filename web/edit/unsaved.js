// A mask that was painted in the last moments before the page was closed or reloaded. To store it
// as a file takes longer than a page that goes has: it is written down as text, at once, and stored
// when the page is opened again.
//
//     key width height value length value length …      lengths of equal bytes, to the base 36

import { remember, remembered } from "../storage/settings.js";
import { UNSAVED } from "./files.js";

/** @typedef {{ width: number, height: number, bytes: Uint8Array<ArrayBuffer> }} Bytes */

/** The most pixels of a mask. */
const MOST = 1 << 24;

/**
 * Writes a mask down.
 * @param {string} key of its image
 * @param {Bytes} mask
 */
export function keepUnsaved(key, { width, height, bytes }) {
  /** @type {(string | number)[]} */
  const words = [key, width, height];
  for (let at = 0; at < bytes.length;) {
    const value = bytes[at] ?? 0;
    const start = at;
    while (bytes[at] === value) at += 1;
    words.push(value.toString(36), (at - start).toString(36));
  }
  remember(UNSAVED, words.join(" "));
}

/** Forgets the mask that was written down. */
export const forgetUnsaved = () => remember(UNSAVED, null);

/**
 * The mask that was written down.
 * @returns {{ key: string, mask: Bytes } | null}
 */
export function readUnsaved() {
  const text = remembered(UNSAVED);
  const [key = "", ...rest] = (text ?? "").split(" ");
  const [width = 0, height = 0] = rest.slice(0, 2).map(Number);
  if (!(width > 0 && height > 0 && width * height <= MOST)) return null;
  const bytes = new Uint8Array(width * height);
  let at = 0;
  for (let i = 2; i + 1 < rest.length; i += 2) {
    const [value = 0, length = 0] = rest.slice(i, i + 2).map((word) => parseInt(word, 36));
    bytes.fill(value, at, at + length);
    at += length;
  }
  return at === bytes.length ? { key, mask: { width, height, bytes } } : null;
}
