// Deletes all that the page keeps, each kind by itself: what cannot be deleted keeps nothing else
// from it.

import { text } from "../strings/network.js";
import { closeDatabase } from "./database.js";

/** Milliseconds that another tab may hold a database. */
const PATIENCE_MS = 5000;

const { parts } = text;

/** @type {[string, () => void | Promise<void>][]} */
const STEPS = [
  [parts.settings, forgetSettings],
  [parts.pages, () => closeDatabase().then(() => deleteDatabase("darkroom-page"))],
  // The engine's: see engine/tunings.js.
  [parts.kernels, () => deleteDatabase("darkroom-kernels")],
  // The store's, in the crate.
  [parts.models, () => deleteDatabase("darkroom-weights")],
  [parts.caches, forgetCaches],
  [parts.worker, unregister],
];

/** What was deleted, and what was not, as a sentence. */
export async function forgetAll() {
  /** @type {string[]} */
  const done = [];
  /** @type {string[]} */
  const failed = [];
  for (const [name, step] of STEPS) {
    try {
      await step();
      done.push(name);
    } catch {
      failed.push(name);
    }
  }
  return text.deleted(done, failed);
}

function forgetSettings() {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage)) if (key.startsWith("darkroom")) storage.removeItem(key);
}

/** @param {string} name */
function deleteDatabase(name) {
  return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    // Open connections are told first, and close.
    request.onblocked = () =>
      setTimeout(() => reject(new Error(`${name} is held by another tab`)), PATIENCE_MS);
  });
}

async function forgetCaches() {
  for (const name of (await globalThis.caches?.keys()) ?? [])
    if (name.startsWith("darkroom-")) await caches.delete(name);
}

async function unregister() {
  const worker = await navigator.serviceWorker?.getRegistration();
  await worker?.unregister();
}
