// Reads the request from the text format that AUTOMATIC1111's web UI introduced. Forge, SD.Next,
// stable-diffusion.cpp, Civitai, some nodes of ComfyUI and this program write it as well.

import { writeControls } from "./control_choices.js";
import { FIELDS } from "../engine/fields.js";
import { importText } from "../strings/imports.js";
import { readUnit } from "./controls.js";
import { hashesOf, plainName } from "./hashes.js";
import { taggedIn } from "./loras.js";
import { loraField } from "./networks.js";
import { parseParameters } from "./parameters.js";
import { samplerFields } from "./samplers.js";
import { readWebUi } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** The source of the noise, by the names that these programs use. */
const NOISE = new Map([
  ["NV", "philox"],
  ["GPU", "philox"],
  ["cuda", "philox"],
  ["CPU", "torch"],
  ["cpu", "torch"],
  ["torch", "torch"],
  ["numpy", "numpy"],
  ["philox", "philox"],
]);

/** Names, or their beginnings, of fields that change an image and that this program lacks. */
const NOT_IMPORTED = [
  ...["Hires", "First pass", "ControlNet", "Refiner", "ADetailer", "Tiled", "Variation seed"],
  ...["Face restoration", "Tiling", "ENSD", "Eta noise seed delta", "Script"],
  ...["Ultimate SD", "Dynamic thresholding", "RP ", "FreeU", "freeu", "CFG Rescale", "Guidance"],
  ...["Mask", "Inpaint", "NGMS", "Pad conds", "Hypernet", "AnimateDiff", "Schedule max sigma"],
  ...["Schedule min sigma", "Schedule rho", "Sigma churn", "Sigma noise", "Discard penultimate"],
];

/** Upscalers that the web UI names in its own way, by the names of their files. */
const UPSCALERS = new Map([
  ["R-ESRGAN 4x+", "RealESRGAN_x4plus"],
  ["R-ESRGAN 4x+ Anime6B", "RealESRGAN_x4plus_anime_6B"],
  ["ESRGAN_4x", "ESRGAN"],
]);

/** Fields of this program whose names begin like one of those. */
const OURS = ["Guidance interval"];

/**
 * @param {string} text
 * @returns {Found}
 */
export function readParameters(text) {
  const { prompt, negative_prompt, fields: all, extra } = parseParameters(unfolded(text));
  const values = new Map(all.toReversed());
  const value = (/** @type {string} */ name) => values.get(name) ?? "";
  const ours = values.has("Safety checker");
  const texts = [prompt, negative_prompt];
  const [words, negative] = texts.map((one) =>
    ours ? { text: one, notImported: [] } : readWebUi(one),
  );
  const sampler = samplerFields(value("Sampler"), value("Schedule type"));
  const hires = hiresOf(value);
  const denoise = hires.strength ? "" : value("Denoising strength");
  const units = unitsOf(all);
  const noise = noiseOf(value("RNG"), ours, value("Version"));
  const seed = value("Seed");
  const hashes = hashesOf(text, value);
  /** Fields that these programs write in another way than this one. */
  const special = new Map([
    ...sampler.fields,
    ["prompt", words?.text ?? ""],
    ["negative_prompt", negative?.text ?? ""],
    ["guidance_scale", value("CFG scale") || value("CFG Scale")],
    ["seed", seed.startsWith("-") ? "" : seed],
    ["long_prompt", ours ? value("Long prompt") : all.length ? "chunks" : ""],
    ["prompt_weights", weighs(ours, all.length > 0, value("Emphasis"), value("Prompt weights"))],
    ["rng", all.length ? noise.rng : ""],
    ["strength", denoise],
    ["hires_scale", hires.scale],
    ["hires_upscaler", hires.upscaler],
    ["hires_strength", hires.strength || value("Hires denoising strength")],
  ]);
  return {
    fields: [
      ...[...FIELDS].map(
        ([name, field]) =>
          /** @type {[string, string]} */ ([name, special.get(name) ?? fieldText(field, value)]),
      ),
      ...(ours || values.has("Lora weights")
        ? [listedLoras(value("Lora weights"), taggedIn(prompt), hashes.loras)]
        : []),
      ...Object.entries({
        upscaler: hires.file,
        controls: writeControls(units.map(({ unit }) => unit)),
      }),
    ],
    hashes,
    notImported: [
      ...(words?.notImported ?? []),
      ...(negative?.notImported ?? []),
      ...sampler.notImported,
      ...noise.notImported,
      ...(ours ? [] : notImportedFields(all, [...hires.read, ...units.map(({ name }) => name)])),
      ...(units.length ? [importText.controlImages()] : []),
      ...(denoise ? [importText.startImage()] : []),
      ...extra.split("\n").filter(Boolean),
    ],
  };
}

/**
 * The LoRAs of our own text and of Fooocus': `style: 0.8, hands: 0/1`, where a text encoder's
 * weight stands first.
 * @param {string} weights
 * @param {{ name: string }[]} tagged those that the prompt names
 * @param {Map<string, string>} hashes
 */
function listedLoras(weights, tagged, hashes) {
  const entries = weights.split(", ").flatMap((entry) => {
    const [, name = "", encoder = "", unet = encoder] =
      /^(.+): ([^/]+)(?:\/(.+))?$/.exec(entry) ?? [];
    const isTagged = tagged.some((tag) => tag.name.toLowerCase() === name.toLowerCase());
    const hash = hashes.get(plainName(name)) ?? "";
    return name && !isTagged ? [{ name, hash, weight: unet, textWeight: encoder }] : [];
  });
  return loraField(entries);
}

/**
 * Puts the line breaks back into a text that has lost them.
 * @param {string} text
 */
function unfolded(text) {
  const line = text.trim();
  const steps = line.lastIndexOf(" Steps: ");
  const number = /^\d/.test(line.slice(steps + 8, steps + 9));
  if (line.includes("\n") || steps < 0 || !number) return text;
  const words = line.slice(0, steps);
  const negative = words.indexOf("Negative prompt:");
  const parts = negative < 0 ? [words] : [words.slice(0, negative), words.slice(negative)];
  return [...parts, line.slice(steps + 1)].join("\n");
}

/**
 * The value of `prompt_weights`.
 * @param {boolean} ours whether this program wrote the text
 * @param {boolean} named whether there are fields at all
 * @param {string} emphasis
 * @param {string} own our own field
 */
function weighs(ours, named, emphasis, own) {
  if (ours) return own;
  return named && emphasis !== "None" ? "true" : "";
}

/**
 * @param {string} name
 * @param {boolean} ours
 * @param {string} version the program that wrote it
 */
function noiseOf(name, ours, version) {
  if (!name) return { rng: ours || version === "ComfyUI" ? "torch" : "philox", notImported: [] };
  const rng = NOISE.get(name);
  return rng ? { rng, notImported: [] } : { rng: "", notImported: [importText.noise(name)] };
}

/**
 * The second pass, "hires fix". Where there is one, the strength of the text is its own.
 * @param {(name: string) => string} value
 */
function hiresOf(value) {
  const none = { scale: "", upscaler: "", strength: "", file: "", read: [] };
  const [, width = 0] = /^(\d+)x/.exec(value("Hires resize")) ?? [];
  const [, before = 0] = /^(\d+)x/.exec(value("Size")) ?? [];
  const times = Number(width) / Number(before);
  const scale = value("Hires upscale") || (times > 1 ? String(times) : "");
  // Without a factor it is an older program's, whose first pass had another size.
  const older = value("First pass size") || value("First pass");
  if (!scale) return { ...none, strength: older ? value("Denoising strength") : "" };
  const name = value("Hires upscaler") || "Latent";
  const lower = name.toLowerCase();
  const known = FIELDS.get("hires_upscaler")?.names?.includes(lower) && lower !== "file";
  const upscaler = lower === "none" ? "lanczos" : known ? lower : "file";
  const own = value("Hires denoising strength");
  return {
    ...{ scale, upscaler, strength: own ? "" : value("Denoising strength") },
    file: upscaler === "file" ? (UPSCALERS.get(name) ?? name) : "",
    read: ["Hires upscale", "Hires resize", "Hires steps", "Hires upscaler"],
  };
}

/**
 * The ControlNets, each with the name of its field.
 * @param {[string, string][]} fields
 */
const unitsOf = (fields) =>
  fields.flatMap(([name, text]) => {
    const unit = /^ControlNet \d+$/.test(name) ? readUnit(text) : null;
    return unit ? [{ name, unit }] : [];
  });

/** @param {[string, string][]} fields @param {string[]} read those that are imported */
function notImportedFields(fields, read) {
  const known = [...OURS, ...read];
  const notImported = fields.filter(
    ([name]) => NOT_IMPORTED.some((start) => name.startsWith(start)) && !known.includes(name),
  );
  return notImported.map(([name, value]) => `${name}: ${value}`);
}

/**
 * The value of a field that is written in the same way everywhere.
 * @param {import("../engine/fields.js").Field} field
 * @param {(name: string) => string} value
 */
function fieldText({ kind, text, part }, value) {
  const whole = text === undefined ? "" : value(text);
  if (part !== undefined) return whole.split("x")[part] ?? "";
  return kind === "interval" ? intervalOf(whole) : whole;
}

/**
 * `0.2-0.75` as a request has it.
 * @param {string} text
 */
function intervalOf(text) {
  const ends = text.split("-").map(Number);
  return text && ends.length === 2 && ends.every(Number.isFinite) ? JSON.stringify(ends) : "";
}
