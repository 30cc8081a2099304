// What the page keeps in IndexedDB: pictures with their requests, their files, those that they
// began with, and the queue. The weights of models live elsewhere.

import { text } from "../strings/network.js";
import { Database } from "./indexed_db.js";

/** The database's name. */
export const PAGE = "darkroom-page";

const database = new Database(PAGE, 2, (made, oldVersion) => {
  if (oldVersion < 1) {
    made.createObjectStore("pictures", { keyPath: "id", autoIncrement: true });
    made.createObjectStore("files");
    made.createObjectStore("jobs", { keyPath: "id", autoIncrement: true });
  }
  if (oldVersion < 2) made.createObjectStore("initials", { autoIncrement: true });
});

/** The browser keeps nothing for this page. */
export class StorageError extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super(text.notStored(), { cause });
    this.name = "StorageError";
  }
}

/** @typedef {"pictures" | "files" | "jobs" | "initials"} Store */

/**
 * Does something in one transaction and resolves once it is on the disk.
 * @template T
 * @param {Store[]} stores
 * @param {IDBTransactionMode} mode
 * @param {(...stores: IDBObjectStore[]) => IDBRequest<T> | void} work
 * @returns {Promise<T>}
 * @throws {StorageError} where the browser keeps nothing
 */
export async function transact(stores, mode, work) {
  await database.ready().catch((error) => {
    throw error?.name === "QuotaExceededError" ? error : new StorageError(error);
  });
  return database.transact(stores, mode, work);
}

/** Lets go of it, so that it can be deleted. */
export const closeDatabase = () => database.close();

/** Tells other tabs, and this one, that a store has changed. */
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("darkroom-page") : null;
/** @type {Map<Store, Set<() => void>>} */
const listeners = new Map();
if (channel) channel.onmessage = ({ data }) => listeners.get(data)?.forEach((hear) => hear());

/** @param {Store} store */
export function changed(store) {
  listeners.get(store)?.forEach((hear) => hear());
  channel?.postMessage(store);
}

/**
 * @param {Store} store
 * @param {() => void} hear
 */
export function onChange(store, hear) {
  const all = listeners.get(store) ?? new Set();
  listeners.set(store, all.add(hear));
}

/**
 * What a fault of storage means, in one sentence; null for any other fault.
 * @param {unknown} error
 * @returns {Promise<string | null>}
 */
export async function storageSentence(error) {
  if (error instanceof StorageError) return error.message;
  if (/** @type {any} */ (error)?.name !== "QuotaExceededError") return null;
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  return text.full(usage, quota);
}
