// The LoRAs that this browser stores, and which of them a request means.

import { hashDigits } from "../files/loras.js";
import { kindOf, nameOf, pathOf } from "./addons.js";
import { theStore } from "./shared.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("../files/loras.js").LoraChoice} LoraChoice */

/**
 * A stored LoRA. `name`: of its file, without the extension; `sha256`: of its file; `modelHash`: by
 * which other programs know it, empty where that is not computed yet; `words`: that it was trained
 * on; `addresses`: of its file and of its manifest's folder, as `plainAddress` has them.
 * @typedef {{ id: string, name: string, sha256: string, modelHash: string, words: string[],
 *   addresses: string[] }} StoredLora
 */

/** @param {StoredModel} model @returns {StoredLora} */
export function loraOf(model) {
  const { manifest, files } = model;
  const path = pathOf(manifest);
  const listed = manifest.files.find((file) => file.path === path);
  const sha256 = files[path]?.sha256 ?? listed?.sha256 ?? "";
  const modelHash = files[path]?.model_hash ?? "";
  const { id, words = [], base, licence } = manifest;
  const file = (base || model.address) + path;
  // Beside a file that has no manifest others may be: their folder does not name it.
  const folder = licence.name === "not told" ? [] : [model.address];
  const addresses = [file, ...folder].flatMap((address) => plainAddress(address) ?? []);
  return { id, name: nameOf(model), sha256, modelHash, words, addresses };
}

/**
 * An address from the page, decoded, without its query and without the end that a manifest's folder
 * may have; null if it is none.
 * @param {string} address
 */
export function plainAddress(address) {
  try {
    const { origin, pathname } = new URL(address, document.baseURI);
    return origin + decodeURIComponent(pathname).replace(/(\/manifest\.json)?\/*$/, "");
  } catch {
    return null;
  }
}

/**
 * All that are stored completely, by name.
 * @param {{ hash: string }[]} [wanted] which of them will be looked for: other programs' hashes are
 * computed only where one of these is not found without
 */
export async function listLoras(wanted = []) {
  const store = theStore();
  const models = await store.list();
  const stored = models.filter((model) => kindOf(model) === "lora" && model.complete).map(loraOf);
  const unknown = ({ hash = "" }) => hash && !stored.some((one) => isThat(one, hash));
  if (wanted.some(unknown))
    for (const one of stored)
      // One that cannot be read is found by its other hash alone.
      one.modelHash ||= (await store.modelHash(one.id).catch(() => "")) ?? "";
  return stored.sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Whether a hash begins with these digits.
 * @param {string} digits
 * @param {string} hash
 */
export const hasHash = (digits, hash) => !!hash && hash.startsWith(digits.toLowerCase());

/** Whether a hash is one of the two of a LoRA. @param {StoredLora} one @param {string} hash */
const isThat = ({ sha256, modelHash }, hash) => hasHash(hash, sha256) || hasHash(hash, modelHash);

/**
 * Name and hash of a stored LoRA, as requests have them.
 * @param {StoredLora} lora
 */
export const loraFile = ({ name, sha256 }) => ({ name, hash: hashDigits(sha256) });

/**
 * The stored LoRA that a request means: by the hash if it has one, else by the name, which may be
 * the address that it was fetched from.
 * @param {StoredLora[]} stored
 * @param {Pick<LoraChoice, "name" | "hash">} choice
 */
export function findLora(stored, { name, hash }) {
  if (hash) return stored.find((one) => isThat(one, hash));
  const address = name.includes("/") ? plainAddress(name) : null;
  if (address) return stored.find(({ addresses }) => addresses.includes(address));
  const lower = name.toLowerCase();
  return (
    stored.find((one) => one.name === name) ??
    stored.find((one) => one.name.toLowerCase() === lower) ??
    // As a link to its manifest's folder has it.
    stored.find(({ id }) => id === lower)
  );
}

/**
 * What the engine is given for a request's LoRAs: those that were chosen, and with weight 0 those
 * that the prompt names, which the engine weighs.
 * @param {LoraChoice[]} chosen
 * @param {string[]} named
 * @returns {Promise<{ loras: import("../engine/protocol.js").Lora[], missing: string[] }>}
 * `missing`: names of chosen ones that are not stored
 */
export async function lorasOf(chosen, named) {
  if (!chosen.length && !named.length) return { loras: [], missing: [] };
  // Where storage is blocked, the engine says which LoRAs of the prompt are not here.
  const stored = await (chosen.length ? listLoras(chosen) : listLoras().catch(() => []));
  /** @type {Map<string, import("../engine/protocol.js").Lora>} */
  const loras = new Map();
  const missing = [];
  for (const choice of chosen) {
    const found = findLora(stored, choice);
    const before = found && loras.get(found.id);
    if (!found) missing.push(choice.name);
    else loras.set(found.id, loraFor(found, before ? sum(before, choice) : choice));
  }
  for (const name of named) {
    const found = findLora(stored, { name, hash: "" });
    if (found && !loras.has(found.id))
      loras.set(found.id, loraFor(found, { weight: 0, textWeight: 0 }));
  }
  return { loras: [...loras.values()], missing };
}

/**
 * The weights of a LoRA that is chosen twice.
 * @param {import("../engine/protocol.js").Lora} before
 * @param {LoraChoice} choice
 */
const sum = ({ weight, text_encoder_weight: encoder = weight }, choice) => ({
  weight: weight + choice.weight,
  textWeight: encoder + choice.textWeight,
});

/**
 * @param {StoredLora} found
 * @param {Pick<LoraChoice, "weight" | "textWeight">} weights
 */
const loraFor = ({ id }, { weight, textWeight }) => ({
  address: `stored:${id}`,
  weight,
  text_encoder_weight: textWeight,
});
