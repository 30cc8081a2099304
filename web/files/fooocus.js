// Reads the request of Fooocus' images: JSON. In older versions the names of settings are the
// labels of its user interface. (Its other format is AUTOMATIC1111's: webui.js.)

import { lossText } from "../strings/losses.js";
import { own, parseJson, textOf } from "./json.js";
import { leftOver } from "./left_over.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { plainWords, webUiSyntax, withPlainBrackets } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** Settings that are read by name, or say nothing of the image. */
const READ = [
  ...["prompt", "Prompt", "negative_prompt", "Negative Prompt", "steps", "Steps", "seed", "Seed"],
  ...[
    "guidance_scale",
    "Guidance Scale",
    "resolution",
    "Resolution",
    "sampler",
    "Sampler",
    "loras",
  ],
  ...["scheduler", "Scheduler", "styles", "Styles", "full_prompt", "full_negative_prompt", "vae"],
  ...["base_model", "base_model_hash", "Base Model", "VAE", "performance", "Performance"],
  ...["clip_skip", "CLIP Skip", "version", "Version", "created_by", "User", "metadata_scheme"],
  ...["image_number", "Fooocus V2 Expansion", "freeu", "FreeU"],
];

/** A LoRA under a name of its own. */
const LORA = /^(?:lora_combined_\d+|LoRA(?: \[.*\])?(?: \d+)?)$/;

/**
 * @param {string} text
 * @returns {Found}
 */
export function readFooocus(text) {
  const data = parseJson(text);
  const value = (/** @type {string} */ name, shown = "") =>
    textOf(data, name) || textOf(data, shown);
  if (own(data, "prompt") === undefined && own(data, "Prompt") === undefined)
    throw new Error("no request");
  const schedule = value("scheduler", "Scheduler");
  const sampler = samplerFields(value("sampler", "Sampler"), schedule, "Fooocus");
  const [width = "", height = ""] = value("resolution", "Resolution").match(/\d+/g) ?? [];
  const full = own(data, "full_prompt");
  const styles = [...value("styles", "Styles").matchAll(/'([^']*)'|"([^"]*)"/g)];
  const names = styles.map(([, one, other]) => one ?? other ?? "").filter(Boolean);
  const freeu = numbersIn(value("freeu", "FreeU"));
  const [model, vae] = [value("base_model", "Base Model"), value("vae", "VAE")];
  const entries = Object.keys(/** @type {object} */ (data)).filter((name) => LORA.test(name));
  return {
    fields: [
      ["prompt", words(value("prompt", "Prompt"))],
      ["negative_prompt", words(value("negative_prompt", "Negative Prompt"))],
      ["steps", value("steps", "Steps")],
      ["guidance_scale", value("guidance_scale", "Guidance Scale")],
      ["seed", value("seed", "Seed")],
      ["width", width],
      ["height", height],
      ...sampler.fields,
      ["clip_skip", value("clip_skip", "CLIP Skip")],
      webUiSyntax(),
      ["long_prompt", "chunks"],
      ["rng", "torch"],
      loraField(fooocusLoras(data)),
    ],
    offers: sampler.offers,
    madeWith: [
      ...(model ? [{ kind: "model", name: model, hash: value("base_model_hash") }] : []),
      ...(vae && !/^default/i.test(vae) ? [{ kind: "vae", name: vae, hash: "" }] : []),
    ],
    notImported: [
      ...sampler.notImported,
      ...sampler.noise,
      ...((Array.isArray(full) && full.length > 1) || names.length ? [lossText.styles(names)] : []),
      ...(freeu.length ? [lossText.setting("FreeU", freeu.join(" "))] : []),
      ...leftOver(data, [...READ, ...entries]),
    ],
  };
}

/** @param {string} text */
const numbersIn = (text) => text.match(/-?\d+(?:\.\d+)?/g) ?? [];

/** A prompt, in which only round brackets have a meaning. @param {string} text */
const words = (text) => withPlainBrackets(plainWords(text));

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
    return LORA.test(key) && name && name !== "None" ? [{ name, weight }] : [];
  });
}
