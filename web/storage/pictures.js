// The gallery's pictures: what is known of each, and its file, kept apart so that a list of
// thousands is read without them.

import { changed, transact } from "./database.js";

/**
 * @typedef {object} Print
 * @property {number} id
 * @property {number} made milliseconds since 1970
 * @property {import("../engine/protocol.js").Request} request
 * @property {number} width
 * @property {number} height
 * @property {number} seconds
 * @property {number} bytes of its file
 * @property {boolean} favourite
 * @property {string} model its folder
 * @property {import("../engine/protocol.js").Provenance | null} [provenance] name, revision, hash;
 * not of pictures that an earlier version of the page has kept
 * @property {string} engine what computed it
 * @property {string} [initial] the picture that it began with, a number of initials.js
 */

/**
 * Keeps a picture.
 * @param {Omit<Print, "id" | "bytes" | "favourite" | "made">} about
 * @param {Blob} png
 */
export async function keepPrint(about, png) {
  const print = { ...about, bytes: png.size, favourite: false, made: Date.now() };
  let id = 0;
  await transact(["pictures", "files"], "readwrite", (pictures, files) => {
    const adding = pictures?.add(print);
    if (adding)
      adding.onsuccess = () => {
        id = Number(adding.result);
        files?.add(png, id);
      };
  });
  changed("pictures");
  return id;
}

/**
 * All pictures, the latest first.
 * @returns {Promise<Print[]>}
 */
export async function listPrints() {
  /** @type {Print[]} */
  const prints = await transact(["pictures"], "readonly", (store) => store.getAll());
  return prints.reverse();
}

/**
 * The file of a picture.
 * @param {number} id
 * @returns {Promise<Blob | undefined>}
 */
export function printFile(id) {
  return transact(["files"], "readonly", (files) => files.get(id));
}

/** @param {Print} print with what has changed */
export async function changePrint(print) {
  await transact(["pictures"], "readwrite", (pictures) => void pictures.put(print));
  changed("pictures");
}

/** A picture with its file. @typedef {{ print: Print, file: Blob | undefined }} Taken */

/**
 * Deletes pictures; they and their files can be put back.
 * @param {number[]} ids
 * @returns {Promise<Taken[]>}
 */
export async function takePrints(ids) {
  /** @type {Taken[]} */
  const taken = [];
  await transact(["pictures", "files"], "readwrite", (pictures, files) => {
    for (const id of ids) {
      const found = pictures?.get(id);
      const file = files?.get(id);
      if (!found || !file) continue;
      file.onsuccess = () => {
        if (found.result) taken.push({ print: found.result, file: file.result });
        pictures?.delete(id);
        files?.delete(id);
      };
    }
  });
  changed("pictures");
  return taken;
}

/** Puts back pictures that were taken. @param {Taken[]} taken */
export async function putPrints(taken) {
  await transact(["pictures", "files"], "readwrite", (pictures, files) => {
    for (const { print, file } of taken) {
      pictures?.put(print);
      if (file) files?.put(file, print.id);
    }
  });
  changed("pictures");
}

/**
 * The oldest pictures whose deletion brings the rest within a bound; favourites are never among
 * them.
 * @param {Print[]} prints
 * @param {number} bound in bytes
 */
export function oldestBeyond(prints, bound) {
  let over = prints.reduce((sum, { bytes }) => sum + bytes, 0) - bound;
  const victims = [];
  for (const print of prints.toReversed()) {
    if (over <= 0) break;
    if (print.favourite) continue;
    victims.push(print.id);
    over -= print.bytes;
  }
  return victims;
}

/**
 * Whether every word is in the prompt, the settings or the model's name.
 * @param {Print} print
 * @param {string} words
 */
export function matches(print, words) {
  const { request, model, provenance } = print;
  // "truncate" would be found by many a word.
  const { long_prompt: _, ...settings } = request;
  const values = [model, provenance?.title, ...Object.values(settings).map(String)];
  const text = values.join("\n").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
