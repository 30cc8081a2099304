// The bytes of the page's files: those that the service worker serves, from its caches; or, without
// one, those that the host sends now.

import { hashOf } from "./sha256.js";
import { SUMS, readSums } from "./sums.js";

/** A cache, and its files with short hashes. @typedef {[string, Record<string, string>]} Kept */
/** What a service worker tells. @typedef {{ scope: string, files: Kept[] }} Told */
/** Files that can be read. @typedef {{ paths: string[], read: Read }} Files */
/** Null: there is no such file. @typedef {(path: string) => Promise<ArrayBuffer | null>} Read */

/** Milliseconds for a service worker to start and answer. */
const PATIENCE_MS = 10_000;
/** Files that are fetched at once. */
const AT_ONCE = 6;

/**
 * Asks a service worker which files its version has.
 * @param {ServiceWorker} worker
 * @returns {Promise<Told | null>} null if it does not answer
 */
export function askWorker(worker) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(null), PATIENCE_MS);
    worker.postMessage("files", [port2]);
  });
}

/**
 * Files in the caches of a service worker.
 * @param {string} scope
 * @param {Kept[]} kept
 * @returns {Files}
 */
export function keptFiles(scope, kept) {
  const places = new Map(
    kept.flatMap(([name, files]) =>
      Object.entries(files).map(([path, hash]) => [path, { name, key: `${scope}${path}?${hash}` }]),
    ),
  );
  return {
    paths: [...places.keys()],
    async read(path) {
      const place = places.get(path);
      if (!place) return null;
      const found = await (await caches.open(place.name)).match(place.key);
      return found ? found.arrayBuffer() : null;
    },
  };
}

/** @type {Read} */
export async function readFromHost(path) {
  const response = await fetch(new URL(path, document.baseURI), { cache: "no-cache" });
  return response.ok ? response.arrayBuffer() : null;
}

/**
 * The list of hashes among some files, and its own hash; null where there is none.
 * @param {Read} read
 */
export async function sumsIn(read) {
  const bytes = await read(SUMS);
  if (!bytes) return null;
  return { sums: readSums(new TextDecoder().decode(bytes)), tree: await hashOf(bytes) };
}

/**
 * The hashes of files.
 * @param {Files} files
 * @param {(done: number) => void} [onDone]
 */
export async function hashAll({ paths, read }, onDone = () => {}) {
  /** @type {Map<string, string | null>} */
  const found = new Map();
  const left = paths.values();
  async function work() {
    for (const path of left) {
      const bytes = await read(path).catch(() => null);
      found.set(path, bytes && (await hashOf(bytes)));
      onDone(found.size);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}
