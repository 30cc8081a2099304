// Pictures that others begin with, kept as the files they were, beside the gallery's: a request
// names one by its number. Where the browser keeps nothing they live as long as the page.

import { transact } from "./database.js";
import { listJobs } from "./jobs.js";
import { listImages } from "./images.js";

/** Milliseconds after which a picture that nothing names is let go. */
const OLD = 24 * 3600 * 1000;

/** @type {Map<string, Blob>} those of this page, also where nothing else keeps them */
const here = new Map();
let unkept = 0;

/**
 * Keeps a picture.
 * @param {Blob} file
 * @returns {Promise<string>} its number
 */
export async function keepInitial(file) {
  const kept = { file, made: Date.now() };
  const number = await transact(["initials"], "readwrite", (store) => store.add(kept)).then(
    String,
    () => `page-${++unkept}`,
  );
  here.set(number, file);
  return number;
}

/**
 * The file of a picture, if it is still there.
 * @param {string} number
 * @returns {Promise<Blob | undefined>}
 */
export async function initialFile(number) {
  const found = here.get(number);
  if (found || !/^\d+$/.test(number)) return found;
  const get = (/** @type {IDBObjectStore} */ store) => store.get(Number(number));
  const kept = await transact(["initials"], "readonly", get);
  return kept?.file;
}

/**
 * Lets go of those that no picture and no job names any more.
 * @param {string | undefined} besides one that the form names
 */
export async function sweepInitials(besides) {
  const named = new Set(
    [
      besides,
      ...(await listImages()).map(({ initial }) => initial),
      ...(await listJobs()).map(({ fields }) => fields["initial"]),
    ].map(String),
  );
  await transact(["initials"], "readwrite", (store) => {
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (!cursor) return;
      const idle = Date.now() - cursor.value.made > OLD;
      if (idle && !named.has(String(cursor.key))) cursor.delete();
      cursor.continue();
    };
  });
}
