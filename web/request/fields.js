// Fields as they were typed, in the form or in a list of jobs, and the request that they make.

import { say } from "../strings.js";
import { isChosen, randomSeed } from "./seed.js";

/** The most pictures that one press makes. */
const COUNT_MAX = 100;

/**
 * A request, the number of its pictures and the picture that they begin with, from fields as typed;
 * what the form lacks is taken as it is.
 * @param {Record<string, string>} fields
 * @returns {import("../session/protocol.js").Wanted}
 * @throws {Error} with the field, when the count is none
 */
export function requestOf(fields) {
  const { count = "1", karras, seed, initial, ...rest } = fields;
  const flags = new Map([
    ["true", true],
    ["false", false],
  ]);
  const pictures = Number(count.trim() || 1);
  if (!(Number.isInteger(pictures) && pictures >= 1 && pictures <= COUNT_MAX))
    throw Object.assign(new Error(say.wrongCount(COUNT_MAX)), { kind: "request", field: "count" });
  const texts = new Set(["prompt", "negative_prompt", "sampler", "rng"]);
  const optional = new Set(["width", "height", "spacing", "strength"]);
  const typed = Object.entries(rest).map(([name, value]) => {
    if (texts.has(name)) return [name, value];
    if (optional.has(name)) return [name, value.trim() ? number(value) : null];
    return [name, Object.hasOwn(NUMBERS, name) ? number(value) : plain(value)];
  });
  return {
    request: {
      ...Object.fromEntries(typed),
      seed: isChosen(seed) ? seed.trim() : randomSeed(),
      ...(karras === undefined ? {} : { karras: flags.get(karras) ?? null }),
    },
    count: pictures,
    initial: initial || undefined,
  };
}

/** Fields that say how prompts are read. */
const READING = ["long_prompt", "prompt_weights", "clean"];

/**
 * How prompts are read, from fields as typed.
 * @param {Record<string, string>} fields
 * @returns {import("../engine/protocol.js").Reading}
 */
export function readingOf(fields) {
  const typed = Object.entries(fields).filter(([name]) => READING.includes(name));
  return Object.fromEntries(typed.map(([name, value]) => [name, plain(value)]));
}

const NUMBERS = {
  steps: 0,
  guidance_scale: 0,
  eta: 0,
  clip_skip: 0,
  cache_interval: 0,
  token_merging_ratio: 0,
};

/**
 * The number that was typed, with a point or a comma, or else the text: the engine says what is
 * wrong with it.
 * @param {string} text
 */
function number(text) {
  const plain = text.trim().replace(/^(-?\d*),(\d{1,2})$/, "$1.$2");
  return plain && Number.isFinite(Number(plain)) ? Number(plain) : text;
}

/**
 * A value that the form knows nothing of: as JSON when it is such, else text.
 * @param {string} text
 */
function plain(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
