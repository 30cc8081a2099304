// IndexedDB with promises: a database is opened at its first use, and a transaction resolves once
// it is on the disk. The databases are in database.js and engine/tunings.js.

/** Milliseconds to wait for another tab to close a database that is to be deleted. */
const PATIENCE_MS = 5000;

/** A database of the browser, open from its first use until it is closed. */
export class Database {
  #name;
  #version;
  #upgrade;
  /** @type {Promise<IDBDatabase> | null} */
  #opening = null;

  /**
   * @param {string} name
   * @param {number} version
   * @param {(database: IDBDatabase, oldVersion: number) => void} upgrade makes missing stores
   */
  constructor(name, version, upgrade) {
    this.#name = name;
    this.#version = version;
    this.#upgrade = upgrade;
  }

  /** The connection. Rejects if storage is blocked; the next call tries again. */
  #open() {
    this.#opening ??= new Promise(
      (/** @type {(database: IDBDatabase) => void} */ resolve, reject) => {
        // Where storage is blocked this throws or rejects, or there is no `indexedDB`.
        const request = indexedDB.open(this.#name, this.#version);
        request.onupgradeneeded = ({ oldVersion }) => this.#upgrade(request.result, oldVersion);
        request.onsuccess = () => {
          const database = request.result;
          // Another tab wants to delete or to upgrade the database.
          database.onversionchange = () => {
            database.close();
            this.#opening = null;
          };
          database.onclose = () => (this.#opening = null);
          resolve(database);
        };
        request.onerror = () => reject(request.error);
        request.onblocked = () => reject(new Error("another tab holds the database"));
      },
    ).catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** Opens it, for callers that handle a fault of opening in another way than a transaction's. */
  async ready() {
    await this.#open();
  }

  /**
   * Runs one transaction; resolves once it is on the disk.
   * @template T
   * @param {string[]} stores
   * @param {IDBTransactionMode} mode
   * @param {(...stores: IDBObjectStore[]) => IDBRequest<T> | void} work
   * @returns {Promise<T>} the result of the request that `work` returned
   */
  async transact(stores, mode, work) {
    const transaction = (await this.#open()).transaction(stores, mode);
    const request = work(...stores.map((name) => transaction.objectStore(name)));
    // Some browsers give the reason to the request only, not to the transaction.
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

  /** Closes it, so that it can be deleted; the next use opens it again. */
  async close() {
    const database = await this.#opening?.catch(() => null);
    database?.close();
    this.#opening = null;
  }
}

/**
 * Deletes a database. Open connections get the event `versionchange` first, and close.
 * @param {string} name
 * @returns {Promise<void>} rejects if another tab keeps it open
 */
export function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    request.onblocked = () =>
      setTimeout(() => reject(new Error(`${name} is held by another tab`)), PATIENCE_MS);
  });
}
