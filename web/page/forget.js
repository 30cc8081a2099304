// Deletes all data that the page has stored, one kind after another. A kind that cannot be deleted
// does not stop the others.

import { text } from "../strings/network.js";
import { TUNINGS } from "../engine/tunings.js";
import { BATCH, PAGE, closeDatabase } from "../storage/database.js";
import { deleteDatabase } from "../storage/indexed_db.js";
import { forgetSettings } from "../storage/settings.js";
import { DATABASE } from "../store/protocol.js";

const { parts } = text;

/** @type {[string, () => void | Promise<void>][]} */
const STEPS = [
  [parts.settings, forgetSettings],
  [parts.pages, () => closeDatabase().then(() => deleteDatabase(PAGE))],
  [parts.batch, () => deleteDatabase(BATCH)],
  [parts.kernels, () => deleteDatabase(TUNINGS)],
  // Before the models: if their titles stayed without their database, they would count as lost.
  [parts.caches, forgetCaches],
  [parts.models, () => deleteDatabase(DATABASE)],
  [parts.worker, unregister],
];

/** Deletes everything; resolves to a sentence that names what was deleted and what was not. */
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

async function forgetCaches() {
  for (const name of (await globalThis.caches?.keys()) ?? [])
    if (name.startsWith("darkroom-")) await caches.delete(name);
}

async function unregister() {
  const worker = await navigator.serviceWorker?.getRegistration();
  await worker?.unregister();
}
