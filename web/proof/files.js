// The bytes of the page's files: those that the service worker serves, from its caches; or, without
// one, those that the host sends now.

import { hashOf } from "./sha256.js";
import { SUMS, readSums } from "./sums.js";

/**
 * A version: caches, each with its files and short hashes.
 * @typedef {[string, Record<string, string>][]} Version
 */
/** Files that can be read. @typedef {{ paths: string[], read: Read }} Files */
/** Null: there is no such file. @typedef {(path: string) => Promise<ArrayBuffer | null>} Read */

/** Files that are fetched at once. */
const AT_ONCE = 6;

/**
 * A version that the service worker keeps (sw.js writes which).
 * @param {"accepted" | "next"} which the one that is served, or a newer one
 * @returns {Promise<Version | null>}
 */
export async function keptVersion(which) {
  const settings = await caches.open("darkroom-settings");
  const found = await settings.match(`${which}-version`);
  return found ? found.json() : null;
}

/**
 * The files of a version, in the caches of the service worker.
 * @param {Version} version
 * @returns {Files}
 */
export function keptFiles(version) {
  const scope = new URL("./", document.baseURI).href;
  const places = new Map(
    version.flatMap(([name, files]) =>
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
