// Reads the request of InvokeAI's images: flat JSON since version 3, nested JSON in version 2, the
// command line before that.

import { importText } from "../strings/imports.js";
import { own, parseJson, textOf } from "./json.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { readBrackets } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** InvokeAI's names of numbers, and this program's. */
const NUMBERS = /** @type {const} */ ([
  ["steps", "steps"],
  ["cfg_scale", "guidance_scale"],
  ["seed", "seed"],
  ["width", "width"],
  ["height", "height"],
]);

/** @param {unknown} data @returns {[string, string][]} */
const numbers = (data) => NUMBERS.map(([theirs, ours]) => [ours, textOf(data, theirs)]);

/**
 * Since 3.0.
 * @param {string} text
 * @returns {Found}
 */
export function readInvoke(text) {
  const data = parseJson(text);
  if (own(data, "positive_prompt") === undefined && own(data, "steps") === undefined)
    throw new Error("no request");
  const sampler = samplerFields(textOf(data, "scheduler"));
  const hasStartImage = own(data, "init_image") || /img2img/.test(textOf(data, "generation_mode"));
  const skipped = Number(textOf(data, "clip_skip"));
  const loras = own(data, "loras");
  const networks = (Array.isArray(loras) ? loras : []).map((lora) => ({
    name: textOf(own(lora, "model"), "name") || textOf(own(lora, "lora"), "model_name"),
    weight: textOf(lora, "weight"),
  }));
  return {
    fields: [
      ["prompt", textOf(data, "positive_prompt")],
      ["negative_prompt", textOf(data, "negative_prompt")],
      ...numbers(data),
      ...sampler.fields,
      ["clip_skip", skipped > 0 ? String(skipped + 1) : ""],
      ["rng", textOf(data, "rand_device") === "cuda" ? "" : "torch"],
      ["strength", hasStartImage ? textOf(data, "strength") : ""],
      loraField(networks),
    ],
    notImported: [...sampler.notImported, ...(hasStartImage ? [importText.startImage()] : [])],
  };
}

/**
 * Version 2; the negative prompt is in brackets inside the prompt.
 * @param {string} text
 * @returns {Found}
 */
export function readOldInvoke(text) {
  const image = own(parseJson(text), "image");
  const prompts = own(image, "prompt");
  const prompt = Array.isArray(prompts) ? textOf(prompts[0], "prompt") : textOf(image, "prompt");
  if (!image) throw new Error("no request");
  const sampler = samplerFields(textOf(image, "sampler"));
  const hasStartImage = textOf(image, "type") === "img2img";
  return {
    fields: [
      ...Object.entries(readBrackets(prompt)),
      ...numbers(image),
      ...sampler.fields,
      ["strength", hasStartImage ? textOf(image, "strength") : ""],
    ],
    notImported: [...sampler.notImported, ...(hasStartImage ? [importText.startImage()] : [])],
  };
}

/**
 * The command line: `"a cat [blurry]" -s 50 -S42 -W512 -H512 -C7.5 -A k_lms`.
 * @param {string} text
 * @returns {Found}
 */
export function readDream(text) {
  const line = text.trim();
  let end = line.search(/\s-[a-zA-Z]/);
  let prompt = end < 0 ? line : line.slice(0, end);
  if (line.startsWith('"')) {
    end = 1;
    while (end < line.length && line[end] !== '"') end += line[end] === "\\" ? 2 : 1;
    prompt = line.slice(1, end).replaceAll('\\"', '"');
    end += 1;
  }
  /** @type {Map<string, string>} */
  const options = new Map();
  const words = end < 0 ? [] : line.slice(end).trim().split(/\s+/);
  for (const [i, word] of words.entries()) {
    const name = /^-([a-zA-Z])/.exec(word)?.[1];
    if (name) options.set(name, word.slice(2) || (words[i + 1] ?? ""));
  }
  const option = (/** @type {string} */ name) => options.get(name) ?? "";
  const sampler = samplerFields(option("A"));
  const hasStartImage = options.has("I");
  return {
    fields: [
      ...Object.entries(readBrackets(prompt)),
      ["steps", option("s")],
      ["seed", option("S")],
      ["width", option("W")],
      ["height", option("H")],
      ["guidance_scale", option("C")],
      ...sampler.fields,
      ["strength", hasStartImage ? option("f") : ""],
    ],
    notImported: [...sampler.notImported, ...(hasStartImage ? [importText.startImage()] : [])],
  };
}
