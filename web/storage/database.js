// The page's database in IndexedDB: the gallery's records (store `pictures`) and their files
// (`files`), start images (`initials`) and the queue (`jobs`). The weights of models are in a
// database of their own (store/).

import { text } from "../strings/network.js";
import { Database } from "./indexed_db.js";

/** The database's name. */
export const PAGE = "darkroom-page";

/** The name of the database of lists and grids (batch/database.js). */
export const BATCH = "darkroom-batch";

const database = new Database(PAGE, 2, (made, oldVersion) => {
  if (oldVersion < 1) {
    made.createObjectStore("pictures", { keyPath: "id", autoIncrement: true });
    made.createObjectStore("files");
    made.createObjectStore("jobs", { keyPath: "id", autoIncrement: true });
  }
  if (oldVersion < 2) made.createObjectStore("initials", { autoIncrement: true });
});

/** The database cannot be opened: the browser blocks storage for this page. */
export class StorageError extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super(text.notStored(), { cause });
    this.name = "StorageError";
  }
}

/** @typedef {"pictures" | "files" | "jobs" | "initials"} Store */

/**
 * Runs one transaction; resolves once it is on the disk.
 * @template T
 * @param {Store[]} stores
 * @param {IDBTransactionMode} mode
 * @param {(...stores: IDBObjectStore[]) => IDBRequest<T> | void} work
 * @returns {Promise<T>}
 * @throws {StorageError} if storage is blocked
 */
export async function transact(stores, mode, work) {
  await database.ready().catch((error) => {
    throw error?.name === "QuotaExceededError" ? error : new StorageError(error);
  });
  return database.transact(stores, mode, work);
}

/**
 * Stores a file; its bytes where the browser stores no Blob, as in a private window of Safari.
 * @template T
 * @param {Blob} file
 * @param {(file: Blob | ArrayBuffer) => Promise<T>} store runs a transaction
 */
export const storeFile = (file, store) =>
  store(file).catch(async (error) => {
    if (error?.name !== "UnknownError") throw error;
    return store(await file.arrayBuffer());
  });

/** Closes the database, so that it can be deleted. */
export const closeDatabase = () => database.close();

/** Over which tabs tell one another that a store has changed. */
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("darkroom-page") : null;
/** @type {Map<Store, Set<() => void>>} */
const listeners = new Map();
if (channel) channel.onmessage = ({ data }) => listeners.get(data)?.forEach((hear) => hear());

/** Calls the listeners of a store in all tabs. @param {Store} store */
export function changed(store) {
  listeners.get(store)?.forEach((hear) => hear());
  channel?.postMessage(store);
}

/**
 * Calls `hear` when a store has changed, in this tab or in another.
 * @param {Store} store
 * @param {() => void} hear
 */
export function onChange(store, hear) {
  const all = listeners.get(store) ?? new Set();
  listeners.set(store, all.add(hear));
}

/**
 * The sentence for a fault of storage; null for any other fault.
 * @param {unknown} error
 * @returns {Promise<string | null>}
 */
export async function storageSentence(error) {
  if (error instanceof StorageError) return error.message;
  if (/** @type {any} */ (error)?.name !== "QuotaExceededError") return null;
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  return text.full(usage, quota);
}

/**
 * Asks the browser not to clear what is stored when space is short. Some grant it only after a
 * click, Firefox asks the user: nothing waits for the answer.
 */
export const askToKeep = () => void navigator.storage?.persist?.().catch(() => null);

/**
 * How many bytes this site stores, and whether the browser keeps them until they are deleted.
 * @returns {Promise<[bytes: number, persistent: boolean]>}
 */
export async function storageUsed() {
  const { usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return [usage, (await navigator.storage?.persisted?.()) ?? false];
}
