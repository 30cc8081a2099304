// Which kernels suit this machine's adapters, as the engine found them: a text for each adapter,
// driver and version of our kernels. Where the browser keeps nothing they are found anew.

import { Database } from "../storage/indexed_db.js";

/** The database's name. */
export const TUNINGS = "darkroom-kernels";
const STORE = "tunings";

const database = new Database(TUNINGS, 1, (made) => made.createObjectStore(STORE));

/**
 * Does one thing with the store. The database is closed after it: a worker that computes for
 * minutes does not hear that another tab wants to delete it.
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
 * All that are known, by adapter.
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
 * The adapter is measured anew when a model is next opened.
 * @param {string} key
 */
export async function forgetTuning(key) {
  await transact("readwrite", (store) => store.delete(key));
}

/**
 * @param {string} key
 * @param {string} text
 */
export async function keepTuning(key, text) {
  await transact("readwrite", (store) => store.put(text, key)).catch(() => undefined);
}
