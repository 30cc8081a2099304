// Model files shared with other sites through the browser's Cross-Origin Storage, a proposal
// (https://wicg.github.io/cross-origin-storage/): a file is known there by its SHA-256. Loaded only
// where a browser has it, and unused until the user switches it on.

import { remember, remembered } from "../storage/settings.js";
import { kindOf } from "./addons.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("./protocol.js").ManifestFile} ManifestFile */
/** @typedef {import("./client.js").Store} Store */

/**
 * @typedef {(hash: { algorithm: "SHA-256", value: string },
 *   options?: { create: true, origins: "*" }) => Promise<FileSystemFileHandle>} Request
 */

/** The name of the switch among the settings; guard.js reads it too. */
const SETTING = "cross-origin-storage";
/** The unit of a tar file, in bytes. */
const BLOCK = 512;
/** Where the fields of its headers are. @type {Record<string, [number, number]>} */
const FIELDS = { path: [0, 100], size: [124, 136], folder: [345, 500] };

export const isShared = () => remembered(SETTING) === "on";
/** Whether the page may use the storage: guard.js takes it away while the switch is off. */
export const canShare = () => isShared() && !!own();
/** @param {boolean} on */
export const setShared = (on) => remember(SETTING, on ? "on" : null);

const own = () => /** @type {any} */ (navigator).crossOriginStorage;

/** The file of a hash, or a place to write it. @type {Request} */
const request = (hash, options) => own().requestFileHandle(hash, options);

/** The files that are known by a hash. @param {StoredModel} model */
const hashed = ({ manifest }) => manifest.files.filter(({ sha256 }) => sha256);

/**
 * The shared files of a model; null unless all are there. A browser also says of some that it has
 * them not, so that a site cannot tell by them where the user has been.
 * @param {StoredModel} model
 */
async function sharedFiles(model) {
  const wanted = hashed(model);
  const isWhole = model.manifest.files.every(({ sha256, beside }) => sha256 || beside);
  if (!wanted.length || !isWhole) return null;
  const find = async (/** @type {ManifestFile} */ { path, sha256 = "" }) => {
    const handle = await request({ algorithm: "SHA-256", value: sha256 });
    // In a folder of their own: a folder that all paths have in common is taken for the model's.
    return { path: `model/${path}`, file: await handle.getFile() };
  };
  return Promise.all(wanted.map(find)).catch(() => null);
}

/**
 * Fills a model of the store with shared files. The store compares every byte with the manifest's
 * hashes, as of any import; files that are others are not taken, and the model is fetched.
 * @param {StoredModel} model
 * @param {Store} store
 * @param {import("./client.js").Listener} listen
 */
export async function takeShared(model, store, listen) {
  const files = canShare() ? await sharedFiles(model) : null;
  if (!files) return;
  const { manifest, address, licence_text: licence } = model;
  const offered = {
    manifest: JSON.stringify(manifest),
    address,
    ...(licence === null ? {} : { licence_text: licence }),
  };
  try {
    const found = await store.identifyLocal(files, [offered], manifest.title, listen);
    if (found.manifest.id === manifest.id) await store.importLocal(manifest.id, listen);
    else await store.remove(found.manifest.id);
  } catch (error) {
    if (/** @type {any} */ (error).kind === "cancelled") throw error;
  }
}

/**
 * The files of a model in the store, by path.
 * @param {StoredModel} model
 * @param {Blob} exported
 */
async function filesIn({ manifest }, exported) {
  const { files } = manifest;
  const isFolder = files.some(({ path }) => path.endsWith("config.json"));
  /** @type {Map<string, Blob>} */
  const found = new Map();
  if (kindOf({ manifest }) !== "model" && !isFolder)
    return found.set(files[0]?.path ?? "", exported);
  for (let at = 0; at + BLOCK <= exported.size;) {
    const head = await exported.slice(at, at + BLOCK).text();
    const text = (/** @type {string} */ name) =>
      head.slice(...(FIELDS[name] ?? [0, 0])).replace(/\0.*$/s, "");
    const size = parseInt(text("size"), 8) || 0;
    const start = at + BLOCK;
    const path = [text("folder"), text("path")].filter(Boolean).join("/");
    found.set(path, exported.slice(start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return found;
}

/**
 * Gives the files of a fetched model to other sites. Only those whose hash the publisher names: the
 * user's own are never shared.
 * @param {StoredModel} model
 * @param {Store} store
 * @returns {Promise<boolean>} whether there were any
 */
export async function giveShared(model, store) {
  if (!canShare() || !hashed(model).length) return false;
  const files = await filesIn(model, await store.export(model.manifest.id));
  for (const { path, sha256 = "" } of hashed(model)) {
    const file = files.get(path);
    if (!file) continue;
    const hash = /** @type {const} */ ({ algorithm: "SHA-256", value: sha256 });
    const handle = await request(hash, { create: true, origins: "*" });
    const writing = await handle.createWritable();
    await writing.write(file);
    // The browser compares it with the hash here.
    await writing.close();
  }
  return true;
}
