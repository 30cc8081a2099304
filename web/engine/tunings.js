// The fastest kernels of this machine's adapters, as the engine has measured them: a text for each
// adapter, driver and version of our kernels. Where storage is blocked they are measured each time.

import { Database } from "../storage/indexed_db.js";

/** The database's name. */
export const TUNINGS = "darkroom-kernels";
const STORE = "tunings";

const database = new Database(TUNINGS, 1, (made) => made.createObjectStore(STORE));

/**
 * Runs one transaction, and closes the database after it: a worker that computes for minutes cannot
 * react to another tab that wants to delete the database.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function transact(mode, work) {
  try {
    return await database.transact([STORE], mode, (store) =>
      work(/** @type {IDBObjectStore} */ (store)),
    );
  } finally {
    await database.close();
  }
}

/**
 * All stored choices, by key.
 * @returns {Promise<Record<string, string>>}
 */
export async function knownTunings() {
  try {
    const keys = await transact("readonly", (store) => store.getAllKeys());
    const texts = await transact("readonly", (store) => store.getAll());
    return Object.fromEntries(keys.map((key, i) => [String(key), String(texts[i])]));
  } catch {
    return {};
  }
}

/**
 * Deletes a choice: the adapter is measured again when a model is next opened.
 * @param {string} key
 */
export async function forgetTuning(key) {
  await transact("readwrite", (store) => store.delete(key));
}

/**
 * Stores a choice.
 * @param {string} key
 * @param {string} text
 */
export async function keepTuning(key, text) {
  await transact("readwrite", (store) => store.put(text, key)).catch(() => undefined);
}
