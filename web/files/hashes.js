// The hashes by which an image's text names the LoRAs and textual inversions that made it: the
// lists `Lora hashes` and `TI hashes` of AUTOMATIC1111's web UI, `Hashes` of Civitai, and this
// program's own records. Each is the first digits of one of two hashes: SHA-256 of the file, or
// what the web UI computes of a LoRA (Lora::model_hash in the crate).

import { own, parseJson } from "./json.js";

/**
 * Hashes by names, as prompts and weights have them.
 * @typedef {{ loras: Map<string, string>, embeddings: Map<string, string> }} Hashes
 */

/** The fewest digits that tell files apart. */
const DIGITS_MIN = 8;

/** Civitai's object; names of resources have no braces. */
const OBJECT = /\bHashes: (\{"[^{}]*\})/;

/**
 * A name as it is compared: lists leave out the two signs that separate.
 * @param {string} name
 */
export const plainName = (name) => name.replace(/[:,]/g, "").trim().toLowerCase();

/** @param {string} hash */
const isHash = (hash) => new RegExp(`^[0-9a-f]{${DIGITS_MIN},64}$`, "i").test(hash);

/** @returns {Hashes} */
export const noHashes = () => ({ loras: new Map(), embeddings: new Map() });

/**
 * @param {Map<string, string>} to
 * @param {string} name
 * @param {unknown} hash
 */
function add(to, name, hash) {
  if (name && typeof hash === "string" && isHash(hash)) to.set(plainName(name), hash.toLowerCase());
}

/**
 * @param {Map<string, string>} to
 * @param {string} list `name: hash, other: hash`
 */
function addList(to, list) {
  for (const entry of list.split(",")) {
    const at = entry.lastIndexOf(":");
    if (at > 0) add(to, entry.slice(0, at), entry.slice(at + 1).trim());
  }
}

/**
 * Those of a text in AUTOMATIC1111's format.
 * @param {string} text
 * @param {(name: string) => string} value of a field
 */
export function hashesOf(text, value) {
  const found = noHashes();
  for (const [name, hash] of Object.entries(civitai(text))) {
    const [, kind, rest = ""] = /^(lora|lycoris|locon|embed):(.*)$/i.exec(name) ?? [];
    if (kind) add(/^embed/i.test(kind) ? found.embeddings : found.loras, rest, hash);
  }
  addList(found.loras, value("Lora hashes"));
  // Our own list has the hashes of whole files.
  addList(found.loras, value("Lora SHA-256"));
  addList(found.embeddings, value("TI hashes"));
  return found;
}

/** @param {string} text @returns {Record<string, unknown>} */
function civitai(text) {
  try {
    return JSON.parse(OBJECT.exec(text)?.[1] ?? "{}");
  } catch {
    return {};
  }
}

/**
 * Those of this program's records: `darkroom-loras` and `darkroom-embeddings`.
 * @param {string | undefined} loras
 * @param {string | undefined} embeddings
 */
export function recordedHashes(loras, embeddings) {
  const found = noHashes();
  for (const one of list(loras)) add(found.loras, text(one, "name"), own(one, "sha256"));
  for (const one of list(embeddings)) add(found.embeddings, text(one, "token"), own(one, "sha256"));
  return found;
}

/** @param {unknown} data @param {string} name */
function text(data, name) {
  const value = own(data, name);
  return typeof value === "string" ? value : "";
}

/** @param {string | undefined} json @returns {unknown[]} */
function list(json) {
  try {
    const value = parseJson(json ?? "[]");
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
