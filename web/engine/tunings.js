// Which kernels suit this machine's adapters, as the engine found them: a text for each adapter,
// driver and version of our kernels. Where the browser keeps nothing they are found anew.

const NAME = "darkroom-kernels";
const STORE = "tunings";

/**
 * Does one thing with the store.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function transact(mode, work) {
  const database = await new Promise(
    (/** @type {(database: IDBDatabase) => void} */ resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    },
  );
  try {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
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
