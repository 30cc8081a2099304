// What this browser stores besides whole models: LoRAs (loras.js), textual inversions, and parts
// that stand in for those of a model.

import { remember, remembered } from "../storage/settings.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("./protocol.js").Kind} Kind */

/** The parts of a model that a stored file can stand in for: names of options of the engine. */
export const PARTS = /** @type {const} */ (["unet", "vae", "text_encoder", "taesd"]);

/** The name of the list of textual inversions in the settings. */
const EMBEDDINGS = "embeddings";

/** @param {StoredModel} model @returns {Kind} */
export const kindOf = ({ manifest }) => manifest.kind ?? "model";

/** The name of a stored file, without folders and extension. @param {StoredModel} model */
export const nameOf = ({ manifest }) =>
  (manifest.files[0]?.path ?? "").replace(/^.*\//, "").replace(/\.[^.]*$/, "");

/**
 * The words by which prompts call a textual inversion.
 * @param {StoredModel} model
 */
export const wordsOf = (model) => [...(model.manifest.words ?? []), nameOf(model)];

/**
 * Remembers which textual inversions are stored, so that prompts are searched for their words
 * without the store.
 * @param {StoredModel[]} models all that are stored
 */
export function noteEmbeddings(models) {
  const found = models.filter((model) => kindOf(model) === "embedding" && model.complete);
  const list = found.map((model) => [model.manifest.id, ...wordsOf(model)]);
  remember(EMBEDDINGS, list.length ? JSON.stringify(list) : null);
}

/**
 * The addresses of the stored textual inversions whose words are in these texts.
 * @param {string[]} texts prompts
 */
export function embeddingsIn(texts) {
  const text = texts.join("\n").toLowerCase();
  /** @type {unknown} */
  let list;
  try {
    list = JSON.parse(remembered(EMBEDDINGS) ?? "[]");
  } catch {
    list = [];
  }
  const taken = new Set();
  return (Array.isArray(list) ? list : []).flatMap(([id, ...words]) => {
    const called = words.find((/** @type {string} */ word) => isIn(word.toLowerCase(), text));
    // Of two files with one word the first is used.
    if (called === undefined || taken.has(called.toLowerCase())) return [];
    taken.add(called.toLowerCase());
    return [`stored:${id}`];
  });
}

/** Whether a word is in a text: in brackets anywhere, any other one between other characters. */
function isIn(/** @type {string} */ word, /** @type {string} */ text) {
  if (/^<.*>$/.test(word)) return text.includes(word);
  const plain = word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${plain}(?![\\p{L}\\p{N}])`, "u").test(text);
}

/**
 * Whether a stored part stands in for that of the model.
 * @param {StoredModel} model
 * @param {import("../engine/protocol.js").Options} how the model is opened
 */
export const isUsed = (model, how) =>
  PARTS.some((part) => part === kindOf(model) && how[part] === `stored/${model.manifest.id}`);
