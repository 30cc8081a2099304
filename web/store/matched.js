// Which of the LoRAs, textual inversions and models that an imported request names are stored here:
// by their hashes where the image has them, since other browsers and programs may have the same
// files under other names. And the note that says what the run will not have.

import { plainName } from "../files/hashes.js";
import { readLoras, tagWeights, taggedIn, withoutTag, writeLoras } from "../files/loras.js";
import { lossText } from "../strings/losses.js";
import { callsIn, kindOf, wordsOf } from "./addons.js";
import { findLora, hasHash, listLoras, loraFile } from "./loras.js";
import { theStore } from "./shared.js";

/** @typedef {import("../files/request.js").Read} Read */
/** @typedef {import("../files/request.js").Made} Made */
/** @typedef {import("../files/loras.js").LoraChoice} LoraChoice */

/**
 * What the user is told; `offers`: what is nearest to something that is lost, each with the words
 * of its button, those of when it is chosen, and the fields that choose it.
 * @typedef {object} Note
 * @property {string} text
 * @property {{ label: string, used: string, fields: [string, string][] }[]} offers
 */

/** The fields of a request that are prompts. */
const PROMPTS = ["prompt", "negative_prompt"];

/**
 * The request with the names that its files have here; what is not stored is listed as not
 * imported, with its hash.
 * @param {Read} read
 * @returns {Promise<Read & { note: Note }>}
 */
export async function matched(read) {
  const fields = new Map(read.fields);
  const missing = [
    ...(await matchLoras(fields, read.hashes.loras)),
    ...(await matchEmbeddings(fields, read.hashes.embeddings)),
  ];
  const notImported = [...read.notImported, ...missing];
  const madeWith = await modelsOf(read.madeWith);
  const text = [
    ...(notImported.length ? [lossText.notImported(notImported)] : []),
    ...(madeWith.length ? [lossText.madeWith(madeWith)] : []),
    ...read.offers.flatMap(({ said }) => said ?? []),
  ].join(" ");
  const offers = read.offers.map(({ name, fields, label }) => ({
    ...{
      label: label ?? lossText.use(name),
      used: label ? lossText.templateUsed() : lossText.used(name),
    },
    fields,
  }));
  return { ...read, fields: [...fields], notImported, note: { text, offers } };
}

/**
 * The models that made an image, in words; one that is stored here, by the name that it has.
 * @param {Made[]} made
 */
async function modelsOf(made) {
  const hashed = made.some(({ hash }) => hash);
  const all = hashed
    ? await theStore()
        .list()
        .catch(() => [])
    : [];
  return made.map(({ kind, name, hash }) => {
    if (kind === "module") return lossText.module(name);
    const words = kind === "vae" ? lossText.vae(name, hash) : lossText.model(name, hash);
    const isHash = /^[0-9a-f]{8,64}$/i.test(hash);
    const found = isHash ? all.find((model) => hashIn(model, hash)) : undefined;
    return found ? lossText.storedAs(words, found.manifest.title) : words;
  });
}

/**
 * @param {Map<string, string>} fields is changed
 * @param {Map<string, string>} hashes
 */
async function matchLoras(fields, hashes) {
  const tagged = taggedIn(fields.get("prompt") ?? "").map(({ name, weight }) => {
    const hash = hashes.get(plainName(name)) ?? "";
    return { name, hash, shown: weight, ...tagWeights(weight) };
  });
  const chosen = readLoras(fields.get("loras") ?? "");
  if (!tagged.length && !chosen.length) return [];
  const stored = await listLoras([...tagged, ...chosen]).catch(() => []);
  const missing = [];
  /** @type {LoraChoice[]} */
  const here = [];
  for (const choice of chosen) {
    const found = findLora(stored, choice);
    if (!found) missing.push(notHere(choice, `${choice.weight}`));
    here.push(found && choice.hash ? { ...choice, ...loraFile(found) } : choice);
  }
  for (const { shown, ...tag } of tagged) {
    const found = findLora(stored, tag);
    // The engine reads tags by the files' names.
    const named = findLora(stored, { ...tag, hash: "" });
    if (!found) missing.push(notHere(tag, shown, !!named));
    else if (named !== found) {
      here.push({ ...tag, ...loraFile(found) });
      fields.set("prompt", withoutTag(fields.get("prompt") ?? "", tag.name));
    }
  }
  if (here.length) fields.set("loras", writeLoras(here));
  return missing;
}

/**
 * @param {Pick<LoraChoice, "name" | "hash">} choice
 * @param {string} weight
 * @param {boolean} [named] whether another file of the name is used instead
 */
const notHere = ({ name, hash }, weight, named = false) =>
  lossText.withHash(lossText.network("lora", name, weight), hash, named);

/**
 * Where an inversion is called by another word here, that word takes the place of the prompt's.
 * @param {Map<string, string>} fields is changed
 * @param {Map<string, string>} hashes
 */
async function matchEmbeddings(fields, hashes) {
  if (!hashes.size) return [];
  const all = await theStore()
    .list()
    .catch(() => []);
  const stored = all.filter((model) => kindOf(model) === "embedding" && model.complete);
  const missing = [];
  for (const [word, hash] of hashes) {
    const found = stored.find((model) => (hash ? hashIn(model, hash) : isCalledBy(model, word)));
    const words = found ? wordsOf(found) : [];
    const isCalled = PROMPTS.some((name) =>
      words.some((own) => callsIn(own, fields.get(name) ?? "")),
    );
    const named = stored.some((model) => isCalledBy(model, word));
    if (!found) missing.push(lossText.withHash(lossText.embedding(word), hash, named));
    else if (!isCalled) rename(fields, word, words[0] ?? word);
  }
  return missing;
}

/** @param {import("./protocol.js").StoredModel} model @param {string} word in lower case */
const isCalledBy = (model, word) => wordsOf(model).some((own) => own.toLowerCase() === word);

/** @param {import("./protocol.js").StoredModel} model @param {string} hash */
const hashIn = ({ files }, hash) =>
  Object.values(files).some(({ sha256 }) => hasHash(hash, sha256 ?? ""));

/**
 * @param {Map<string, string>} fields is changed
 * @param {string} word in lower case
 * @param {string} own the word that calls it here
 */
function rename(fields, word, own) {
  const plain = word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const whole = new RegExp(`(?<![\\p{L}\\p{N}])${plain}(?![\\p{L}\\p{N}])`, "giu");
  for (const name of PROMPTS) {
    const text = fields.get(name);
    if (text)
      fields.set(
        name,
        text.replace(whole, () => own),
      );
  }
}
