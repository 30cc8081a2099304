// IndexedDB as promises: a database that is opened at its first use, and transactions that resolve
// once they are on the disk. What is kept in which database say database.js and engine/tunings.js.

/** Milliseconds that another tab may hold a database that is to be deleted. */
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
   * @param {(database: IDBDatabase, oldVersion: number) => void} upgrade makes what is missing
   */
  constructor(name, version, upgrade) {
    this.#name = name;
    this.#version = version;
    this.#upgrade = upgrade;
  }

  /** The connection. Rejects where the browser keeps nothing; the next call tries again. */
  #open() {
    this.#opening ??= new Promise(
      (/** @type {(database: IDBDatabase) => void} */ resolve, reject) => {
        // Where it is blocked the browser throws, rejects, or has none at all.
        const request = indexedDB.open(this.#name, this.#version);
        request.onupgradeneeded = ({ oldVersion }) => this.#upgrade(request.result, oldVersion);
        request.onsuccess = () => {
          const database = request.result;
          // Another tab wants to delete it or to bring it up to date.
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

  /** Opens it, where a fault of that is told apart from one of a transaction. */
  async ready() {
    await this.#open();
  }

  /**
   * Does something in one transaction and resolves once it is on the disk.
   * @template T
   * @param {string[]} stores
   * @param {IDBTransactionMode} mode
   * @param {(...stores: IDBObjectStore[]) => IDBRequest<T> | void} work
   * @returns {Promise<T>} the result of the request that `work` returned
   */
  async transact(stores, mode, work) {
    const transaction = (await this.#open()).transaction(stores, mode);
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

  /** Lets go of it, so that it can be deleted; the next use opens it again. */
  async close() {
    const database = await this.#opening?.catch(() => null);
    database?.close();
    this.#opening = null;
  }
}

/**
 * Deletes a database. Open connections are told first, and close.
 * @param {string} name
 * @returns {Promise<void>} rejects where another tab holds it
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
