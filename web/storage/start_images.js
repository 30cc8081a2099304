// Start images of img2img, stored as the user's files, their masks, and the pictures of
// ControlNets. A request of the page has the number of its start image in the field `initial`, that
// of the mask in `mask`, those of ControlNets' in `controls`. Where storage is blocked or full they
// are in memory only, until the page is closed.

import { storeFile, transact } from "./database.js";
import { listJobs } from "./jobs.js";
import { listImages } from "./images.js";

/** A picture's key in the field `controls` of a job, which is JSON (files/control_choices.js). */
const PICTURE = /"image":"([^"]*)"/g;

/** Milliseconds after which a start image that nothing uses is deleted. */
const UNUSED_MS = 24 * 3600 * 1000;

/** @type {Map<string, Blob>} files that storage refused, by their keys `page-…` */
const inMemory = new Map();
/** @type {(error: unknown) => void} */
let onRefused = () => {};

/**
 * Calls `hear` with the fault of the first start image or mask that storage refuses.
 * @param {(error: unknown) => void} hear
 */
export function onStartImageRefused(hear) {
  onRefused = hear;
}

/**
 * Stores a start image.
 * @param {Blob} file
 * @returns {Promise<string>} its key: a number as text, or `page-…` where storage refused it
 */
export async function keepStartImage(file) {
  const about = { type: file.type, made: Date.now() };
  /** @param {Blob | ArrayBuffer} file */
  const add = (file) =>
    transact(["initials"], "readwrite", (store) => store.add({ file, ...about }));
  try {
    return String(await storeFile(file, add));
  } catch (error) {
    // Records of the gallery and of the queue have the key: no other file may ever have it.
    const key = `page-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
    inMemory.set(key, file);
    const hear = onRefused;
    onRefused = () => {};
    hear(error);
    return key;
  }
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
  // A record of an earlier version of the page has no type; its file has.
  return record && new Blob([record.file], { type: record.type ?? record.file.type });
}

/** @param {IDBCursorWithValue} cursor at a start image */
const isOld = ({ value }) => Date.now() - value.made > UNUSED_MS;

/** The keys in a request's fields. @param {import("../files/table.js").Row} fields */
const keysIn = (fields) => [
  ...[fields["initial"], fields["mask"]],
  ...[...(fields["controls"] ?? "").matchAll(PICTURE)].map(([, key]) => key),
];

/** Whether any of these is old. */
async function hasOld() {
  let old = false;
  await transact(["initials"], "readonly", (store) => {
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (cursor && !(old = isOld(cursor))) cursor.continue();
    };
  });
  return old;
}

/**
 * Deletes old files of these that no image of the gallery, no job and no grid uses.
 * @param {(string | undefined)[]} inForm the numbers of those that the form uses
 * @param {() => Promise<import("../files/table.js").Row[]>} gridRows reads the fields of all cells
 * of grids, if it is needed
 */
export async function sweepStartImages(inForm, gridRows) {
  if (!(await hasOld())) return;
  const rows = [...(await gridRows()), ...(await listJobs()).map(({ fields }) => fields)];
  const used = new Set(
    [
      ...inForm,
      ...(await listImages()).flatMap(({ initial, mask, controls = [], before }) => [
        ...[initial, mask, before],
        ...controls.map(({ image }) => image),
      ]),
      ...rows.flatMap(keysIn),
    ].map(String),
  );
  await transact(["initials"], "readwrite", (store) => {
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (!cursor) return;
      if (isOld(cursor) && !used.has(String(cursor.key))) cursor.delete();
      cursor.continue();
    };
  });
}
