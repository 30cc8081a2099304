// Reads files of a zip file, such as this page's own export (PKWARE's APPNOTE 6.3.3). The directory
// at the end has their positions.

import { importText } from "../strings/imports.js";

/** The end's record, and the longest comment behind it. */
const [END, COMMENT_MAX] = [22, 0xffff];
/** Bytes of a directory and, unless another bound is given, of an unpacked file that are read. */
const [DIRECTORY_MAX, TEXT_MAX] = [32_000_000, 64_000_000];

/** @param {Uint8Array} bytes the first of a file */
export function isZip(bytes) {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** @typedef {{ start: number, packed: number, size: number, method: number }} Entry */

/**
 * The bytes of the first file with this name, in any folder.
 * @param {Blob} file
 * @param {string} wanted
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {Error} if there is none, or the archive is damaged
 */
export async function unzipOne(file, wanted) {
  const found = await (await openZip(file))(wanted);
  if (!found) throw new Error(importText.noRequests());
  return found;
}

/**
 * The paths of a file's files.
 * @param {Blob} file
 * @throws {Error} if the archive is damaged
 */
export const pathsIn = async (file) => [...entriesOf(await directoryOf(file)).keys()];

/**
 * A function that reads the first file with a name, in any folder; null if there is none.
 * `most`: the most bytes of it.
 * @param {Blob} file
 * @returns {Promise<(wanted: string, most?: number) => Promise<Uint8Array<ArrayBuffer> | null>>}
 * @throws {Error} if the archive is damaged, as the function does
 */
export async function openZip(file) {
  const entries = entriesOf(await directoryOf(file));
  return async (wanted, most = TEXT_MAX) => {
    const path = [...entries.keys()].find((one) => one === wanted || one.endsWith(`/${wanted}`));
    const entry = entries.get(path ?? "");
    return entry ? unpack(file, entry, most) : null;
  };
}

/**
 * The files of a directory by their paths; of two with one path the first.
 * @param {DataView<ArrayBuffer>} directory
 */
function entriesOf(directory) {
  const names = new TextDecoder();
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  for (let at = 0; at + 46 <= directory.byteLength;) {
    if (directory.getUint32(at, true) !== 0x02014b50) break;
    const [method, packed, size] = [
      directory.getUint16(at + 10, true),
      directory.getUint32(at + 20, true),
      directory.getUint32(at + 24, true),
    ];
    const [name = 0, extra = 0, comment = 0] = [28, 30, 32].map((o) =>
      directory.getUint16(at + o, true),
    );
    if (at + 46 + name > directory.byteLength) throw new Error(importText.wrongZip());
    const path = names.decode(new Uint8Array(directory.buffer, at + 46, name));
    const start = directory.getUint32(at + 42, true);
    if (!entries.has(path)) entries.set(path, { start, packed, size, method });
    at += 46 + name + extra + comment;
  }
  return entries;
}

/** @param {Blob} file */
async function directoryOf(file) {
  const tail = await file.slice(Math.max(0, file.size - END - COMMENT_MAX)).arrayBuffer();
  const view = new DataView(tail);
  for (let at = tail.byteLength - END; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue;
    const [size, start] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
    if (size > DIRECTORY_MAX || start + size > file.size) break;
    return new DataView(await file.slice(start, start + size).arrayBuffer());
  }
  throw new Error(importText.wrongZip());
}

/** @param {Blob} file @param {Entry} entry @param {number} most bytes */
async function unpack(file, { start, packed, size, method }, most) {
  const head = new DataView(await file.slice(start, start + 30).arrayBuffer());
  const whole = head.byteLength === 30 && head.getUint32(0, true) === 0x04034b50;
  if (!whole || size > most || (method !== 0 && method !== 8))
    throw new Error(importText.wrongZip());
  const from = start + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const body = file.slice(from, from + packed);
  if (method === 0) {
    if (body.size !== size) throw new Error(importText.wrongZip());
    return new Uint8Array(await body.arrayBuffer());
  }
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  let length = 0;
  const reader = body.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(importText.wrongZip());
    });
    if (done) break;
    length += value.length;
    if (length > size) {
      await reader.cancel();
      throw new Error(importText.wrongZip());
    }
    parts.push(value);
  }
  if (length !== size) throw new Error(importText.wrongZip());
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
