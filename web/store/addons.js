// What this browser stores besides whole models: LoRAs (loras.js), textual inversions, and parts
// that stand in for those of a model.

import { PARTS } from "../engine/protocol.js";
import { remember, remembered } from "../storage/settings.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("./protocol.js").Kind} Kind */

/** The name of the list of textual inversions in the settings. */
const EMBEDDINGS = "embeddings";

/** @param {{ manifest: import("./protocol.js").Manifest }} model @returns {Kind} */
export const kindOf = ({ manifest }) => manifest.kind ?? "model";

/** How names of files end that change a model or have a part of one; the crate's ADDONS. */
export const ADDON = /\.(safetensors|ckpt|gguf|pt|pth|bin)$/;

/**
 * The path of the one file of what is no model, which a licence may accompany.
 * @param {import("./protocol.js").Manifest} manifest
 */
export const pathOf = ({ files }) => files.find(({ path }) => ADDON.test(path))?.path ?? "";

/** The name of every network's file in a folder of diffusers. */
const ANY = /^diffusion_pytorch_model(\.|$)/;

/**
 * The name of that file, without folders and extension; of one that is called as all are, the
 * title, which is its folder's name.
 * @param {{ manifest: import("./protocol.js").Manifest }} model
 */
export const nameOf = ({ manifest }) => {
  const file = pathOf(manifest).replace(/^.*\//, "");
  return ANY.test(file) ? manifest.title : file.replace(/\.[^.]*$/, "");
};

/**
 * How that file, or its folder where all files are called alike, is named on a disk.
 * @param {{ manifest: import("./protocol.js").Manifest }} model
 */
export const diskNameOf = ({ manifest }) => {
  const file = pathOf(manifest).replace(/^.*\//, "");
  return ANY.test(file) ? manifest.title : file;
};

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
export const embeddingsIn = (texts) => called(texts).map(({ id }) => `stored:${id}`);

/** The words by which a prompt calls them. @param {string} prompt */
export const embeddingWordsIn = (prompt) => called([prompt]).map(({ word }) => word);

/** @param {string[]} texts @returns {{ id: string, word: string }[]} */
function called(texts) {
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
    const word = words.find((/** @type {string} */ word) => callsIn(word, text));
    // Of two files with one word the first is used.
    if (word === undefined || taken.has(word.toLowerCase())) return [];
    taken.add(word.toLowerCase());
    return [{ id, word }];
  });
}

/**
 * Whether a word is in a text, in any case: in brackets anywhere, any other one between other
 * characters.
 * @param {string} called
 * @param {string} prompt
 */
export function callsIn(called, prompt) {
  const [word, text] = [called.toLowerCase(), prompt.toLowerCase()];
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
