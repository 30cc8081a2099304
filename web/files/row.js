// One request of a list, checked before it waits in the queue: names of fields, numbers, samplers,
// seeds. What a picture's export says beside its request is left out.

import { importText } from "../strings/imports.js";
import { samplerFields } from "./samplers.js";

/** @typedef {import("./table.js").Row} Row */

const WHOLE = /^\d+$/;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const FLAG = /^(true|false)$/i;

/**
 * What fields of a request look like, and how that is told.
 * @type {Map<string, [RegExp, string]>}
 */
const FIELDS = new Map([
  ["prompt", [/^[^]*$/, ""]],
  ["negative_prompt", [/^[^]*$/, ""]],
  ["seed", [WHOLE, "a whole number from 0 to 18446744073709551615"]],
  ["count", [WHOLE, "a whole number"]],
  ["steps", [WHOLE, "a whole number"]],
  ["guidance_scale", [NUMBER, "a number"]],
  ["sampler", [/^/, ""]],
  ["eta", [NUMBER, "a number"]],
  ["karras", [FLAG, "true or false"]],
  ["spacing", [/^(leading|linspace|trailing)$/, "leading, linspace or trailing"]],
  ["rng", [/^(torch|numpy|philox)$/, "torch, numpy or philox"]],
  ["clip_skip", [WHOLE, "a whole number"]],
  ["long_prompt", [/^(truncate|chunks)$/, "truncate or chunks"]],
  ["prompt_weights", [FLAG, "true or false"]],
  ["clean", [FLAG, "true or false"]],
  ["strength", [NUMBER, "a number"]],
  ["width", [WHOLE, "a whole number of pixels"]],
  ["height", [WHOLE, "a whole number of pixels"]],
  ["guidance_interval", [/^\[.*\]$/, "two numbers in brackets"]],
  ["cache_interval", [WHOLE, "a whole number"]],
  ["token_merging_ratio", [NUMBER, "a number"]],
]);

/** What stands beside a request in an export. */
const ABOUT = ["file", "model", "provenance", "engine", "seconds", "safety", "kernels", "init"];

/** Other names of fields. */
const ALIASES = new Map([
  ["negative", "negative_prompt"],
  ["guidance", "guidance_scale"],
  ["cfg_scale", "guidance_scale"],
  ["cfg", "guidance_scale"],
]);

const TEXTS = ["prompt", "negative_prompt"];
const SEED_MAX = 2n ** 64n - 1n;

/**
 * @param {Row} row
 * @returns {Row}
 * @throws {SyntaxError} for the first field that does not fit
 */
export function checked(row) {
  /** @type {Row} */
  const good = {};
  for (const [given, typed] of Object.entries(row)) {
    const name = ALIASES.get(given) ?? given;
    if (ABOUT.includes(name)) continue;
    const field = FIELDS.get(name);
    if (!field) throw new SyntaxError(importText.unknownColumn(given));
    const value = TEXTS.includes(name) ? typed : typed.trim();
    // Any seed is wanted; and an empty field has its default.
    if (!TEXTS.includes(name) && (value === "" || (name === "seed" && value === "-1"))) continue;
    const [looks, wanted] = field;
    if (!looks.test(value)) throw new SyntaxError(importText.wrongValue(name, value, wanted));
    if (name === "sampler") Object.assign(good, sampler(value));
    else good[name] = FLAG.test(value) && looks === FLAG ? value.toLowerCase() : value;
  }
  if (good["prompt"] === undefined) throw new SyntaxError(importText.noPrompt());
  checkSeed(good);
  return good;
}

/** @param {string} name @returns {Row} */
function sampler(name) {
  const { fields, lost } = samplerFields(name);
  if (lost.length) throw new SyntaxError(lost.join("; "));
  return Object.fromEntries(fields.filter(([, value]) => value));
}

/** @param {Row} row */
function checkSeed({ seed, count = "1" }) {
  if (seed === undefined) return;
  const first = BigInt(seed);
  if (first > SEED_MAX)
    throw new SyntaxError(importText.wrongValue("seed", seed, FIELDS.get("seed")?.[1] ?? ""));
  if (first + BigInt(count || 1) - 1n > SEED_MAX)
    throw new SyntaxError(importText.seedTooLarge(seed, count));
}
