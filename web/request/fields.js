// Fields as they were typed, in the form or in a list of jobs, and the request that they make.

import { FIELDS } from "../engine/fields.js";
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
  const { count = "1", seed, initial, ...rest } = fields;
  const pictures = Number(count.trim() || 1);
  if (!(Number.isInteger(pictures) && pictures >= 1 && pictures <= COUNT_MAX))
    throw Object.assign(new Error(say.wrongCount(COUNT_MAX)), { kind: "request", field: "count" });
  const typed = Object.entries(rest).map(([name, value]) => [name, valueOf(name, value)]);
  return {
    request: {
      ...Object.fromEntries(typed),
      seed: isChosen(seed) ? seed.trim() : randomSeed(),
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
  return Object.fromEntries(typed.map(([name, value]) => [name, valueOf(name, value)]));
}

const FLAGS = new Map([
  ["true", true],
  ["false", false],
]);

/**
 * A field's value from its text. What does not fit stays text: the engine says what is wrong with
 * it.
 * @param {string} name
 * @param {string} text
 * @returns {unknown}
 */
function valueOf(name, text) {
  const field = FIELDS.get(name);
  if (field?.optional && !text.trim()) return null;
  switch (field?.kind) {
    case "text":
    case "seed":
    case "name":
    case "sampler":
      return text;
    case "whole":
    case "number":
    case "layer":
    case "side":
      return number(text);
    case "flag":
      return field.optional ? (FLAGS.get(text) ?? null) : plain(text);
    default:
      return plain(text);
  }
}

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
