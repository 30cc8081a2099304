// The LoRAs that this browser stores, and which of them a request means.

import { readLoras, taggedIn } from "../files/loras.js";
import { importText } from "../strings/imports.js";
import { kindOf, nameOf } from "./addons.js";
import { theStore } from "./shared.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("../files/loras.js").LoraChoice} LoraChoice */

/**
 * A stored LoRA. `name`: of its file, without the extension; `sha256`: of its file.
 * @typedef {{ id: string, name: string, sha256: string }} StoredLora
 */

/** @param {StoredModel} model @returns {StoredLora} */
export function loraOf(model) {
  const { manifest, files } = model;
  const { path = "", sha256 } = manifest.files[0] ?? {};
  const hash = files[path]?.sha256 ?? sha256 ?? "";
  return { id: manifest.id, name: nameOf(model), sha256: hash };
}

/** All that are stored completely, by name. */
export async function listLoras() {
  const stored = (await theStore().list()).filter(
    (model) => kindOf(model) === "lora" && model.complete,
  );
  return stored.map(loraOf).sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * The stored LoRA that a request means: by the hash if it has one, else by the name.
 * @param {StoredLora[]} stored
 * @param {Pick<LoraChoice, "name" | "hash">} choice
 */
export function findLora(stored, { name, hash }) {
  if (hash) return stored.find(({ sha256 }) => sha256.startsWith(hash));
  const lower = name.toLowerCase();
  return (
    stored.find((one) => one.name === name) ??
    stored.find((one) => one.name.toLowerCase() === lower)
  );
}

/**
 * The LoRAs of a request that are not stored, as `name (weight)`.
 * @param {[string, string][]} fields of the request
 */
export async function missingIn(fields) {
  const { prompt = "", loras = "" } = Object.fromEntries(fields);
  const tagged = taggedIn(prompt).map((tag) => ({ ...tag, hash: "" }));
  const named = [...readLoras(loras), ...tagged];
  if (!named.length) return [];
  const stored = await listLoras().catch(() => []);
  const missing = named.filter((choice) => !findLora(stored, choice));
  return missing.map(({ name, weight }) => importText.network("lora", name, `${weight}`));
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
  const stored = await (chosen.length ? listLoras() : listLoras().catch(() => []));
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
