// Reads the request of images of Fooocus, SwarmUI, NovelAI, Easy Diffusion and Draw Things.

import { importText } from "../strings/imports.js";
import { own, parseJson, textOf } from "./json.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { readNovelAi, readWebUi } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/**
 * Fooocus' JSON. In older versions the names of fields are the labels of its user interface.
 * @param {string} text
 * @returns {Found}
 */
export function readFooocus(text) {
  const data = parseJson(text);
  const value = (/** @type {string} */ name, shown = "") =>
    textOf(data, name) || textOf(data, shown);
  if (own(data, "prompt") === undefined && own(data, "Prompt") === undefined)
    throw new Error("no request");
  const sampler = samplerFields(value("sampler", "Sampler"), value("scheduler", "Scheduler"));
  const [width = "", height = ""] = value("resolution", "Resolution").match(/\d+/g) ?? [];
  const full = own(data, "full_prompt");
  return {
    fields: [
      ["prompt", value("prompt", "Prompt")],
      ["negative_prompt", value("negative_prompt", "Negative Prompt")],
      ["steps", value("steps", "Steps")],
      ["guidance_scale", value("guidance_scale", "Guidance Scale")],
      ["seed", value("seed", "Seed")],
      ["width", width],
      ["height", height],
      ...sampler.fields,
      ["rng", "torch"],
      loraField(fooocusLoras(data)),
    ],
    notImported: [
      ...sampler.notImported,
      ...(Array.isArray(full) && full.length > 1 ? [importText.styles()] : []),
    ],
  };
}

/**
 * Fooocus' LoRAs: a list of name, weight and the first digits of SHA-256; in older files, texts
 * `name : weight` under numbered names.
 * @param {unknown} data
 * @returns {import("./networks.js").Network[]}
 */
function fooocusLoras(data) {
  const list = own(data, "loras");
  if (Array.isArray(list))
    return list.filter(Array.isArray).map(([name, weight, hash]) => ({
      name: String(name),
      weight: String(weight ?? ""),
      hash: /^[0-9a-f]{8,64}$/i.test(String(hash)) ? String(hash) : "",
    }));
  const entries = Object.entries(/** @type {Record<string, unknown>} */ (data));
  return entries.flatMap(([key, value]) => {
    const [, name = "", weight = ""] = /^(.+) : (-?[\d.]+)$/.exec(String(value)) ?? [];
    const isOne = /^(?:lora_combined_\d+|LoRA(?: \[.*\])?(?: \d+)?)$/.test(key);
    return isOne && name && name !== "None" ? [{ name, weight }] : [];
  });
}

/**
 * SwarmUI's JSON.
 * @param {string} text
 * @returns {Found}
 */
export function readSwarm(text) {
  const data = own(parseJson(text), "sui_image_params");
  if (typeof data !== "object" || data === null) throw new Error("no request");
  const [words, negative] = ["prompt", "negativeprompt"].map((name) =>
    readWebUi(textOf(data, name)),
  );
  const sampler = samplerFields(textOf(data, "sampler"), textOf(data, "scheduler"));
  const creativity = own(data, "initimage") ? textOf(data, "initimagecreativity") : "";
  const loras = own(data, "loras");
  const weights = [own(data, "loraweights")].flat();
  const networks = [loras].flat().map((name, index) => ({
    name: typeof name === "string" ? name : "",
    weight: String(weights[index] ?? ""),
  }));
  return {
    fields: [
      ["prompt", words?.text ?? ""],
      ["negative_prompt", negative?.text ?? ""],
      ["steps", textOf(data, "steps")],
      ["guidance_scale", textOf(data, "cfgscale")],
      ["seed", textOf(data, "seed")],
      ["width", textOf(data, "width")],
      ["height", textOf(data, "height")],
      ...sampler.fields,
      ["long_prompt", "chunks"],
      ["prompt_weights", "true"],
      ["rng", "torch"],
      ["strength", creativity],
      loraField(networks),
    ],
    notImported: [
      ...(words?.notImported ?? []),
      ...(negative?.notImported ?? []),
      ...sampler.notImported,
      ...(creativity ? [importText.startImage()] : []),
    ],
  };
}

/**
 * NovelAI: the prompt is one text of the file, the settings are another one, as JSON.
 * @param {Map<string, string>} texts
 * @returns {Found}
 */
export function readNai(texts) {
  const data = parseJson(texts.get("Comment") ?? "");
  if (own(data, "uc") === undefined && own(data, "scale") === undefined)
    throw new Error("no request");
  const sampler = samplerFields(textOf(data, "sampler"), textOf(data, "noise_schedule"));
  const prompt = texts.get("Description") ?? textOf(data, "prompt");
  return {
    fields: [
      ["prompt", readNovelAi(prompt)],
      ["negative_prompt", readNovelAi(textOf(data, "uc"))],
      ["steps", textOf(data, "steps")],
      ["guidance_scale", textOf(data, "scale")],
      ["seed", textOf(data, "seed")],
      ["width", textOf(data, "width")],
      ["height", textOf(data, "height")],
      ...sampler.fields,
      ["prompt_weights", "true"],
      ["long_prompt", "chunks"],
    ],
    notImported: sampler.notImported,
  };
}

/**
 * Easy Diffusion: each field is a text of its own.
 * @param {Map<string, string>} texts
 * @returns {Found}
 */
export function readEasy(texts) {
  const value = (/** @type {string} */ name) => texts.get(name) ?? "";
  if (!texts.has("num_inference_steps")) throw new Error("no request");
  const sampler = samplerFields(value("sampler_name"));
  const strength = value("prompt_strength");
  return {
    fields: [
      ["prompt", value("prompt")],
      ["negative_prompt", value("negative_prompt")],
      ["steps", value("num_inference_steps")],
      ["guidance_scale", value("guidance_scale")],
      ["seed", value("seed")],
      ["width", value("width")],
      ["height", value("height")],
      ...sampler.fields,
      ["clip_skip", /^true$/i.test(value("clip_skip")) ? "2" : ""],
      ["strength", strength],
      loraField(easyLoras(value("use_lora_model"), value("lora_alpha"))),
    ],
    notImported: [...sampler.notImported, ...(strength ? [importText.startImage()] : [])],
  };
}

/**
 * Easy Diffusion's LoRAs: one, or lists as Python or JSON writes them.
 * @param {string} models
 * @param {string} alphas
 */
function easyLoras(models, alphas) {
  const quoted = [...models.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)];
  const names = models.trim().startsWith("[")
    ? quoted.map(([, one, other]) => one ?? other ?? "")
    : [models.trim()];
  const weights = alphas.match(/-?[\d.]+/g) ?? [];
  const all = names.map((name, index) => ({ name, weight: weights[index] ?? "" }));
  return all.filter(({ name }) => name && name !== "None");
}

/**
 * Draw Things: JSON inside XMP, which is XML.
 * @param {string} text
 * @returns {Found}
 */
export function readDrawThings(text) {
  const start = text.indexOf("UserComment");
  const [open, close] = [text.indexOf("{", start), text.lastIndexOf("}")];
  if (start < 0 || open < 0 || close < open) throw new Error("no request");
  const data = parseJson(unescaped(text.slice(open, close + 1)));
  const sampler = samplerFields(textOf(data, "sampler"));
  const [width = "", height = ""] = textOf(data, "size").split("x");
  if (own(data, "c") === undefined) throw new Error("no request");
  const loras = own(data, "lora");
  const networks = (Array.isArray(loras) ? loras : []).map((lora) => ({
    name: textOf(lora, "model"),
    weight: textOf(lora, "weight"),
  }));
  return {
    fields: [
      ["prompt", textOf(data, "c")],
      ["negative_prompt", textOf(data, "uc")],
      ["steps", textOf(data, "steps")],
      ["guidance_scale", textOf(data, "scale")],
      ["seed", textOf(data, "seed")],
      ["width", width],
      ["height", height],
      ...sampler.fields,
      ["prompt_weights", "true"],
      loraField(networks),
    ],
    notImported: sampler.notImported,
  };
}

/** @type {Map<string, string>} */
const ENTITIES = new Map([
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&amp;", "&"],
]);

/** @param {string} xml */
function unescaped(xml) {
  return xml.replace(/&(?:quot|apos|lt|gt|amp|#x?[\da-fA-F]{1,6});/g, (entity) => {
    const hex = /^&#x/.test(entity);
    const code = parseInt(entity.slice(hex ? 3 : 2), hex ? 16 : 10);
    const letter = code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    return ENTITIES.get(entity) ?? letter;
  });
}
