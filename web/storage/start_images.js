// Start images of img2img, stored as the user's files, and their masks. A request of the page has
// the number of its start image in the field `initial`, that of the mask in `mask`. Where storage is
// blocked they are in memory only.

import { transact } from "./database.js";
import { listJobs } from "./jobs.js";
import { listImages } from "./images.js";

/** Milliseconds after which a start image that nothing uses is deleted. */
const UNUSED_MS = 24 * 3600 * 1000;

/** @type {Map<string, Blob>} files that were stored since the page was opened, by number */
const inMemory = new Map();
/** How many are in memory only, because storage refused them; their numbers are `page-1` … */
let notStored = 0;

/**
 * Stores a start image.
 * @param {Blob} file
 * @returns {Promise<string>} its number
 */
export async function keepStartImage(file) {
  const record = { file, made: Date.now() };
  const number = await transact(["initials"], "readwrite", (store) => store.add(record)).then(
    String,
    () => `page-${++notStored}`,
  );
  inMemory.set(number, file);
  return number;
}

/**
 * The file of a start image, if it still exists.
 * @param {string} number
 * @returns {Promise<Blob | undefined>}
 */
export async function startImageFile(number) {
  const found = inMemory.get(number);
  if (found || !/^\d+$/.test(number)) return found;
  const get = (/** @type {IDBObjectStore} */ store) => store.get(Number(number));
  const record = await transact(["initials"], "readonly", get);
  return record?.file;
}

/**
 * Deletes old start images and masks that no image of the gallery and no job uses.
 * @param {(string | undefined)[]} inForm the numbers of those that the form uses
 */
export async function sweepStartImages(inForm) {
  const used = new Set(
    [
      ...inForm,
      ...(await listImages()).flatMap(({ initial, mask }) => [initial, mask]),
      ...(await listJobs()).flatMap(({ fields }) => [fields["initial"], fields["mask"]]),
    ].map(String),
  );
  await transact(["initials"], "readwrite", (store) => {
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (!cursor) return;
      const isOld = Date.now() - cursor.value.made > UNUSED_MS;
      if (isOld && !used.has(String(cursor.key))) cursor.delete();
      cursor.continue();
    };
  });
}
