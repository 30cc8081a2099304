// What the page keeps in IndexedDB: pictures with their requests, their files, those that they
// began with, and the queue. The weights of models live elsewhere.

import { text } from "../strings/network.js";

const NAME = "darkroom-page";
const VERSION = 2;

/** @type {Promise<IDBDatabase> | null} */
let opening = null;

/** The database; made at the first use. Rejects where the browser keeps nothing. */
function open() {
  opening ??= new Promise((/** @type {(database: IDBDatabase) => void} */ resolve, reject) => {
    // Where it is blocked the browser throws, rejects, or has none at all.
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => {
      const database = request.result;
      if (oldVersion < 1) {
        database.createObjectStore("pictures", { keyPath: "id", autoIncrement: true });
        database.createObjectStore("files");
        database.createObjectStore("jobs", { keyPath: "id", autoIncrement: true });
      }
      if (oldVersion < 2) database.createObjectStore("initials", { autoIncrement: true });
    };
    request.onsuccess = () => {
      const database = request.result;
      // Another tab wants to delete it or to bring it up to date.
      database.onversionchange = () => {
        database.close();
        opening = null;
      };
      database.onclose = () => (opening = null);
      resolve(database);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds the database"));
  }).catch((error) => {
    opening = null;
    throw error?.name === "QuotaExceededError" ? error : new StorageError(error);
  });
  return opening;
}

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
 */
export async function transact(stores, mode, work) {
  const transaction = (await open()).transaction(stores, mode);
  const request = work(...stores.map((name) => transaction.objectStore(name)));
  // A refusal may tell its reason to the request alone.
  /** @type {DOMException | null} */
  let reason = null;
  transaction.addEventListener("error", ({ target }) => {
    reason ??= /** @type {IDBRequest} */ (target).error;
  });
  await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => 
      reject(transaction.error ?? reason ?? new Error("the browser stopped it"));
  });
  return /** @type {T} */ (request?.result);
}

/** Lets go of it, so that it can be deleted. */
export async function closeDatabase() {
  const database = await opening?.catch(() => null);
  database?.close();
  opening = null;
}

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
