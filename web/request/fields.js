// Makes a request of fields as the user typed them, in the form or in a list of jobs.

import { FIELDS } from "../engine/fields.js";
import { readControls } from "../files/control_choices.js";
import { say } from "../strings.js";
import { readLoras } from "../files/loras.js";
import { isChosen, randomSeed } from "./seed.js";
import { readUpscaler } from "../files/upscaler.js";

/** The most images that one click on Generate makes. */
const COUNT_MAX = 100;

/**
 * A request, the number of its images, their start image, its mask, their LoRAs, ControlNets and
 * T2I-Adapters, from fields as typed.
 * Fields that the form does not have are passed on.
 * @param {Record<string, string>} fields
 * @returns {import("../session/protocol.js").Wanted}
 * @throws {Error} with the field, if the count is no number in range, or a LoRA has no weight
 */
export function requestOf(fields) {
  const { count = "1", seed, initial, mask, loras = "", controls = "", ...more } = fields;
  const { upscaler = "", ...rest } = more;
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
    startImage: initial || undefined,
    ...(initial && mask ? { mask } : {}),
    loras: readLoras(loras),
    controls: readControls(controls),
    ...(rest["hires_upscaler"] === "file" && { upscaler: readUpscaler(upscaler) }),
  };
}

/** Fields that decide how prompts are read. */
const READING = ["long_prompt", "prompt_syntax", "clean"];

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
 * A field's value from its text. A text that does not fit stays text: the engine reports what is
 * wrong with it.
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
      return numberOrText(text);
    case "flag":
      return field.optional ? (FLAGS.get(text) ?? null) : jsonOrText(text);
    default:
      return jsonOrText(text);
  }
}

/**
 * The number of a text, with a point or a comma; else the text itself: the engine reports what is
 * wrong with it.
 * @param {string} text
 */
function numberOrText(text) {
  const digits = text.trim().replace(/^(-?\d*),(\d{1,2})$/, "$1.$2");
  return digits && Number.isFinite(Number(digits)) ? Number(digits) : text;
}

/**
 * The value of a text that is JSON, else the text itself.
 * @param {string} text
 */
function jsonOrText(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
