// Reads the request of NovelAI's images: the prompt is one text of the file, the settings are
// another one, as JSON.

import { lossText } from "../strings/losses.js";
import { own, parseJson, textOf } from "./json.js";
import { leftOver } from "./left_over.js";
import { samplerFields } from "./samplers.js";
import { hasWeights, readNovelAi, webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** Settings that are read by name, or say nothing of the image. */
const READ = [
  ...["prompt", "uc", "steps", "scale", "seed", "width", "height", "sampler", "noise_schedule"],
  ...["n_samples", "request_type", "signed_hash", "version", "v4_prompt", "v4_negative_prompt"],
  ...["cfg_rescale", "strength", "extra_noise_seed", "hide_debug_overlay", "stream", "noise"],
  ...["legacy_v3_extend", "legacy", "add_original_image", "params_version", "qualityToggle"],
  ...["ucPreset", "prefer_brownian", "dynamic_thresholding_percentile", "legacy_uc"],
  ...["dynamic_thresholding_mimic_scale", "controlnet_strength", "cfg_sched_eligibility"],
  ...["uncond_per_vibe", "wonky_vibe_correlation", "extra_passthrough_testing", "hash"],
  ...["normalize_reference_strength_multiple", "inpaintImg2ImgStrength"],
];

/**
 * @param {Map<string, string>} texts
 * @returns {Found}
 */
export function readNai(texts) {
  const data = parseJson(texts.get("Comment") ?? "");
  const value = (/** @type {string} */ name) => textOf(data, name);
  // Draw Things has the same names for some, and the prompt as `c`.
  const isOther = own(data, "c") !== undefined;
  if (isOther || (own(data, "uc") === undefined && own(data, "scale") === undefined))
    throw new Error("no request");
  const sampler = samplerFields(value("sampler"), value("noise_schedule"), "NovelAI");
  const caption = own(own(data, "v4_prompt"), "caption");
  const base = textOf(caption, "base_caption");
  const prompt = readNovelAi(base || texts.get("Description") || value("prompt"));
  const negative = readNovelAi(value("uc"));
  const people = own(caption, "char_captions");
  const isStart = /Img2Img|Infill/.test(value("request_type"));
  const rescale = value("cfg_rescale");
  const model = texts.get("Source");
  return {
    fields: [
      ["prompt", prompt],
      ["negative_prompt", negative],
      ["steps", value("steps")],
      ["guidance_scale", value("scale")],
      ["seed", value("seed")],
      ["width", value("width")],
      ["height", value("height")],
      ...sampler.fields,
      webUiSyntax(),
      ["long_prompt", "chunks"],
      ["strength", isStart ? value("strength") : ""],
      ["guidance_rescale", rescale],
    ],
    offers: sampler.offers,
    madeWith: model ? [{ kind: "model", name: model, hash: "" }] : [],
    notImported: [
      ...sampler.notImported,
      ...sampler.noise,
      ...(hasWeights(prompt + negative) ? [lossText.weights("NovelAI")] : []),
      ...(Array.isArray(people) && people.length ? [lossText.regions()] : []),
      ...(isStart ? [lossText.startImage()] : []),
      ...(/Infill/.test(value("request_type")) ? [lossText.mask()] : []),
      ...leftOver(usual(data), READ),
    ],
  };
}

/**
 * Without settings that have their usual values: 0, and 1 of a scale.
 * @param {object} data
 */
const usual = (data) =>
  Object.fromEntries(
    Object.entries(data).filter(
      ([name, value]) => value !== 0 && !(name === "uncond_scale" && value === 1),
    ),
  );
