// Checks one request of a list before it is added to the queue: names of fields, numbers, samplers,
// seeds. What an export of the gallery has besides the request is skipped, but for the files of
// start images and masks where they are at hand.

import { ALIASES, FIELDS } from "../engine/fields.js";
import { importText } from "../strings/imports.js";
import { listedControls } from "./controls.js";
import { present } from "./fields.js";
import { readLoras } from "./loras.js";
import { samplerFields } from "./samplers.js";

/** @typedef {import("./table.js").Row} Row */

const WHOLE = /^\d+$/;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const FLAG = /^(true|false)$/i;

/** @typedef {import("../engine/fields.js").FieldType} FieldType */

/**
 * The pattern of a value by its kind, and its description for a message.
 * @type {Record<FieldType, [RegExp, string]>}
 */
const LOOKS = {
  text: [/^/, ""],
  seed: [WHOLE, "a whole number from 0 to 18446744073709551615"],
  flag: [FLAG, "true or false"],
  whole: [WHOLE, "a whole number"],
  number: [NUMBER, "a number"],
  // The message lists the names instead.
  name: [/^/, ""],
  sampler: [/^/, ""],
  layer: [WHOLE, "a whole number"],
  side: [WHOLE, "a whole number of pixels"],
  interval: [/^\[.*\]$/, "two numbers in brackets"],
};

/** What an export of the gallery has besides the request. */
const ABOUT = [
  ...["file", "model", "provenance", "parts", "engine", "seconds", "safety", "kernels"],
  "enlarged",
];
/** The paths of its start image, of the mask of that, and of control pictures, beside the list. */
const IMAGES = ["init", "mask", "controls"];

const TEXTS = ["prompt", "negative_prompt"];
const SEED_MAX = 2n ** 64n - 1n;

/**
 * @param {Row} row
 * @param {boolean} [images] whether the paths of images are kept
 * @returns {Row}
 * @throws {SyntaxError} for the first field that does not fit
 */
export function checked(row, images = false) {
  /** @type {Row} */
  const good = {};
  for (const [given, text] of Object.entries(row)) {
    const [own, typed] = present([given, text]);
    const name = ALIASES.get(own) ?? own;
    if (ABOUT.includes(name)) continue;
    if (IMAGES.includes(name)) {
      if (images) good[name] = typed;
      else if (name !== "controls" && typed) throw new SyntaxError(importText.beside(name, typed));
      // Without its pictures a control is known, and that they are missing is said when it is used.
      else if (name === "controls" && typed) good[name] = controlsIn(typed);
      continue;
    }
    if (name === "loras") readLoras(typed);
    if (name === "loras" || name === "upscaler") {
      good[name] = typed;
      continue;
    }
    const field = FIELDS.get(name);
    if (!field) throw new SyntaxError(importText.unknownColumn(given));
    const value = TEXTS.includes(name) ? typed : typed.trim();
    // Seed −1 means a random seed. An empty field has its default.
    if (!TEXTS.includes(name) && (value === "" || (name === "seed" && value === "-1"))) continue;
    const [looks, wanted] = LOOKS[field.kind];
    if (!looks.test(value)) throw new SyntaxError(importText.wrongValue(name, value, wanted));
    if (field.kind !== "sampler" && field.names && !field.names.includes(value))
      throw new SyntaxError(importText.wrongValue(name, value, either(field.names)));
    if (field.kind === "sampler") Object.assign(good, sampler(value));
    else good[name] = field.kind === "flag" ? value.toLowerCase() : value;
  }
  if (good["prompt"] === undefined) throw new SyntaxError(importText.noPrompt());
  checkSeed(good);
  return good;
}

/** @param {string} typed */
function controlsIn(typed) {
  try {
    return listedControls(typed);
  } catch {
    throw new SyntaxError(importText.wrongValue("controls", typed, "a list of controls"));
  }
}

/**
 * Names for a sentence: `a, b or c`.
 * @param {readonly string[]} names
 */
const either = (names) => `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;

/** @param {string} name @returns {Row} */
function sampler(name) {
  const { fields, notImported } = samplerFields(name);
  if (notImported.length) throw new SyntaxError(notImported.join("; "));
  return Object.fromEntries(fields.filter(([, value]) => value));
}

/** @param {Row} row */
function checkSeed({ seed, count = "1" }) {
  if (seed === undefined) return;
  const first = BigInt(seed);
  if (first > SEED_MAX) throw new SyntaxError(importText.wrongValue("seed", seed, LOOKS.seed[1]));
  if (first + BigInt(count || 1) - 1n > SEED_MAX)
    throw new SyntaxError(importText.seedTooLarge(seed, count));
}
