// The database of the user's lists and grids, beside the page's (storage/database.js): it is opened
// with the first use of either.

import { BATCH, StorageError } from "../storage/database.js";
import { Database } from "../storage/indexed_db.js";

const database = new Database(BATCH, 1, (made) => {
  made.createObjectStore("lists", { keyPath: "name" });
  made.createObjectStore("grids", { keyPath: "id" });
});

/**
 * Runs one transaction on one store; resolves once it is on the disk.
 * @template T
 * @param {"lists" | "grids"} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T> | void} work
 * @returns {Promise<T>}
 * @throws {StorageError} if storage is blocked
 */
export async function transact(store, mode, work) {
  await database.ready().catch((error) => {
    throw error?.name === "QuotaExceededError" ? error : new StorageError(error);
  });
  return database.transact([store], mode, work);
}

const channel = new BroadcastChannel(BATCH);
/** @type {Set<() => void>} */
const listeners = new Set();
channel.onmessage = () => listeners.forEach((hear) => hear());

/** Tells all tabs that lists or grids have changed. */
export function changed() {
  listeners.forEach((hear) => hear());
  channel.postMessage(null);
}

/**
 * Calls `hear` when lists or grids have changed, here or in another tab.
 * @param {() => void} hear
 */
export const onChange = (hear) => void listeners.add(hear);
