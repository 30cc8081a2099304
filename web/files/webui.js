// Reads the request from the text format that AUTOMATIC1111's web UI introduced. Forge, SD.Next,
// stable-diffusion.cpp, Civitai, Fooocus, some nodes of ComfyUI and this program write it as well.

import { FIELDS } from "../engine/fields.js";
import { lossText } from "../strings/losses.js";
import { readCompel } from "./compel.js";
import { writeControls } from "./control_choices.js";
import { controlLosses, readUnit } from "./controls.js";
import { hashesOf, plainName } from "./hashes.js";
import { hiresOf } from "./hires.js";
import { parseJson, textOf } from "./json.js";
import { lostSettings } from "./labels.js";
import { listed } from "./left_over.js";
import { cutObjects } from "./line_objects.js";
import { taggedIn } from "./loras.js";
import { loraField } from "./networks.js";
import { ownFields, ownLosses, ownSchedule, withoutAddedTags } from "./own_text.js";
import { parseParameters } from "./parameters.js";
import { numbersOf, samplerFields } from "./samplers.js";
import { readWebUi, webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */
/** @typedef {(name: string) => string} Value of a setting; empty without it */

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

/**
 * @param {string} text
 * @returns {Found}
 */
export function readParameters(text) {
  const { text: plain, objects } = cutObjects(unfolded(text));
  const { negative_prompt, fields: all, extra, ...parsed } = parseParameters(plain);
  const values = new Map(all.toReversed());
  const value = (/** @type {string} */ name) => values.get(name) ?? "";
  const ours = values.has("Safety checker");
  const prompt = ours ? withoutAddedTags(parsed.prompt, value) : parsed.prompt;
  const program = ours ? "" : writerOf(value, values.size);
  const read = reading(value, ours);
  const [words, negative] = [prompt, negative_prompt].map(read);
  const schedule = ours ? ownSchedule(value) : scheduleIn(value);
  const sampler = samplerFields(value("Sampler"), schedule, program);
  const hires = hiresOf(value);
  const denoise = hires.strength ? "" : value("Denoising strength");
  const units = unitsOf(all);
  const noise = noiseOf(value("RNG"), ours, value("Version"));
  const hashes = hashesOf(text, value);
  const extras = extraFields(value, program, sampler.fields);
  /** Fields that these programs write in another way than this one. */
  const special = new Map([
    ...sampler.fields,
    ...extras.fields,
    ["prompt", words?.text ?? ""],
    ["negative_prompt", negative?.text ?? ""],
    ["guidance_scale", value("CFG scale") || value("CFG Scale")],
    ["seed", value("Seed").startsWith("-") ? "" : value("Seed")],
    ["long_prompt", ours ? value("Long prompt") : all.length ? "chunks" : ""],
    ...syntaxOf(value, ours, all.length > 0),
    ["rng", all.length ? noise.rng : ""],
    ...numbersOf(program),
    ["strength", denoise],
    ["hires_scale", hires.scale],
    // 0 are as many as the first pass has.
    ["hires_steps", Number(value("Hires steps")) ? value("Hires steps") : ""],
    ["hires_upscaler", hires.upscaler],
    ["hires_strength", hires.strength || value("Hires denoising strength")],
    ...sidesOf(hires.size),
  ]);
  const isStart = denoise || values.has("Init image hash") || values.has("Init image size");
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
    program,
    offers: sampler.offers,
    madeWith: ours ? [] : modelsOf(value, all),
    notImported: [
      ...new Set([...(words?.notImported ?? []), ...(negative?.notImported ?? [])]),
      ...sampler.notImported,
      ...sampler.noise,
      ...noise.notImported,
      ...hires.notImported,
      ...(isStart ? [lossText.startImage()] : []),
      ...extras.notImported,
      ...units.flatMap(unitLosses),
      ...(ours
        ? ownLosses(plain)
        : lostSettings(all, value, [...hires.read, ...extras.read, ...namesOf(units)])),
      ...controlLosses([], units),
      ...resourcesLost(objects, prompt),
      ...extra.split("\n").filter(Boolean),
    ],
  };
}

/** @param {Value} value */
const scheduleIn = (value) =>
  value("Schedule type") || value("Scheduler") || value("Sampler sigma");

/** Sides as fields. @param {number[] | undefined} size @returns {[string, string][]} */
const sidesOf = ([width, height] = []) =>
  width && height
    ? [
        ["width", String(width)],
        ["height", String(height)],
      ]
    : [];

/** The program that wrote a text. @param {Value} value @param {number} count of settings */
function writerOf(value, count) {
  const version = value("Version");
  if (value("App") === "SD.Next") return "SD.Next";
  if (/^f\d/.test(version)) return "Forge";
  const [, named] = /^(ComfyUI|Fooocus|stable-diffusion\.cpp)\b/.exec(version) ?? [];
  return named ?? (count ? "AUTOMATIC1111" : "");
}

/** How its prompts are read. @param {Value} value @param {boolean} ours */
function reading(value, ours) {
  if (ours) return (/** @type {string} */ text) => ({ text, notImported: [] });
  const isCompel = /^compel/i.test(value("Parser"));
  return isCompel ? (/** @type {string} */ text) => readCompel(text, "compel") : readWebUi;
}

/**
 * The field of the prompts' syntax.
 * @param {Value} value
 * @param {boolean} ours
 * @param {boolean} named whether there are settings at all
 * @returns {[string, string][]}
 */
function syntaxOf(value, ours, named) {
  const isPlain = value("Emphasis") === "None" || /^fixed/i.test(value("Parser"));
  if (!ours) return named && !isPlain ? [webUiSyntax()] : [];
  const weights = value("Prompt weights");
  return [["prompt_syntax", value("Prompt syntax") || (weights === "true" ? "a1111" : "")]];
}

/**
 * Fields that have other names there, or that only some versions of this program have.
 * @param {Value} value
 * @param {string} program empty: this one
 * @param {[string, string][]} sampler
 */
function extraFields(value, program, sampler) {
  /** @type {[string, string][]} */
  const fields = [];
  /** @type {string[]} */
  const read = [];
  /** @type {string[]} */
  const notImported = [];
  const isZero = value("Noise Schedule") === "Zero Terminal SNR" || value("Sampler rescale");
  fields.push(["rescale_betas_zero_snr", isZero ? "true" : ""]);
  if (!program) return { fields: [...fields, ...ownFields(value)], read, notImported };
  const freeu = freeuOf(value, program);
  fields.push(["freeu", freeu]);
  if (freeu) read.push("FreeU");
  const take = (
    /** @type {string} */ field,
    /** @type {string} */ to,
    /** @type {string[]} */ from,
  ) => {
    if (!to) return;
    fields.push([field, to]);
    read.push(...from);
  };
  // Eta of other samplers than those is how much noise ancestral ones add, usually 1. Programs that
  // always write it have 0 where it is not set.
  const name = sampler.find(([field]) => field === "sampler")?.[1] ?? "";
  const isEta = ["ddim", "tcd"].includes(name);
  fields.push(["eta", isEta ? value("Eta DDIM") || value("Eta") : ""]);
  read.push("Eta DDIM");
  const eta = value("Eta");
  const usual = ["AUTOMATIC1111", "Forge"].includes(program) ? [1] : [0, 1];
  if (eta && !isEta && !usual.includes(Number(eta)) && !/inf/i.test(eta))
    notImported.push(lossText.setting("Eta", eta));
  const rescale = ["CFG Rescale", "CFG rescale", "CFG Rescale phi"];
  take("guidance_rescale", rescale.map(value).find(Number) ?? "", rescale);
  if (isZero) read.push("Noise Schedule", "Sampler rescale");
  const spacing = value("Sampler spacing");
  take("spacing", ["leading", "linspace", "trailing"].includes(spacing) ? spacing : "", [
    "Sampler spacing",
  ]);
  take("token_merging_ratio", value("Token merging ratio") || value("ToMe"), ["ToMe"]);
  if (value("Sampler sigma")) read.push("Sampler sigma");
  if (value("Version") === "stable-diffusion.cpp") read.push("Guidance");
  const masked = maskFields(value);
  return {
    fields: [...fields, ...masked.fields],
    read,
    notImported: [...notImported, ...masked.notImported],
  };
}

/**
 * The numbers of SD.Next's FreeU, which with diffusers is that of the field. That of others is its
 * second version, or they write it under other names.
 * @param {Value} value
 * @param {string} program
 */
function freeuOf(value, program) {
  const text = value("Backend") === "Original" || program !== "SD.Next" ? "" : value("FreeU");
  const all = ["s1", "s2", "b1", "b2"].map(
    (name) => new RegExp(`\\b${name}=([\\d.]+)`).exec(text)?.[1] ?? "",
  );
  return all.every(Boolean) ? all.join(", ") : "";
}

/**
 * Inpainting: the mask itself is not in the file.
 * @param {Value} value
 * @returns {{ fields: [string, string][], notImported: string[] }}
 */
function maskFields(value) {
  const content = value("Masked content");
  const isMasked = ["Mask blur", "Inpaint area", "Mask mode", "Masked content"].some(value);
  const isNoise = content === "latent noise" || content === "noise";
  const isPlain = isNoise || !content || content === "original";
  return {
    fields: [
      ["masked_content", isNoise ? "noise" : content === "original" ? content : ""],
      ["padding_mask_crop", isMasked ? value("Masked area padding") : ""],
    ],
    notImported: [
      ...(isMasked ? [lossText.mask()] : []),
      ...(isPlain ? [] : [lossText.setting("Masked content", content)]),
    ],
  };
}

/** The models that made an image. @param {Value} value @param {[string, string][]} all */
function modelsOf(value, all) {
  const [model, hash] = [value("Model") || value("Unet"), value("Model hash")];
  const [vae, vaeHash] = [value("VAE") || value("VAE model"), value("VAE hash")];
  const modules = all.filter(([name]) => /^(Module \d|TE|T5)$/.test(name));
  return [
    ...(model || hash ? [{ kind: "model", name: model, hash }] : []),
    ...(vae && !/^(automatic|none)$/i.test(vae) ? [{ kind: "vae", name: vae, hash: vaeHash }] : []),
    ...modules.map(([, name]) => ({ kind: "module", name, hash: "" })),
  ];
}

/**
 * LoRAs that Civitai's generator lists, and that the prompt does not name.
 * @param {Map<string, string>} objects
 * @param {string} prompt
 */
function resourcesLost(objects, prompt) {
  let list;
  try {
    list = parseJson(objects.get("Civitai resources") ?? "[]");
  } catch {
    list = [];
  }
  const networks = (Array.isArray(list) ? list : []).filter((one) =>
    /^(lora|lycoris|locon|dora)$/i.test(textOf(one, "type")),
  );
  const others = [...objects].filter(
    ([name]) => !/^(Hashes|Civitai resources|Civitai metadata|SDCPP)$/.test(name),
  );
  return [
    ...networks
      .filter((one) => !prompt.includes(`<lora:${textOf(one, "modelName")}`))
      .map((one) => lossText.network("lora", textOf(one, "modelName"), textOf(one, "weight"))),
    ...listed(others),
  ];
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
 * @param {string} name
 * @param {boolean} ours
 * @param {string} version the program that wrote it
 */
function noiseOf(name, ours, version) {
  const isTorch = ours || /^(ComfyUI|Fooocus)/.test(version);
  if (!name) return { rng: isTorch ? "torch" : "philox", notImported: [] };
  const rng = NOISE.get(name);
  return rng ? { rng, notImported: [] } : { rng: "", notImported: [lossText.noise(name)] };
}

/**
 * The ControlNets, each with the name of its field.
 * @param {[string, string][]} fields
 */
const unitsOf = (fields) =>
  fields.flatMap(([name, text]) => {
    const found = /^ControlNet \d+$/.test(name) ? readUnit(text) : null;
    return found ? [{ name, ...found }] : [];
  });

/** @param {{ name: string }[]} units */
const namesOf = (units) => units.map(({ name }) => name);

/**
 * What of a ControlNet is not taken over.
 * @param {{ name: string, lost: [string, string][] }} unit
 */
const unitLosses = ({ name, lost }) =>
  lost.length
    ? [
        lossText.part(
          name,
          lost.map((pair) => pair.join(" ")),
        ),
      ]
    : [];

/**
 * The value of a field that is written in the same way everywhere.
 * @param {import("../engine/fields.js").Field} field
 * @param {Value} value
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
