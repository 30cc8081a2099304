// The LoRAs of other programs' requests, as the field `loras` of the form.

import { textOf } from "./json.js";
import { writeLoras } from "./loras.js";

/**
 * A LoRA as another program writes it: the name of its file, perhaps with folders and extension,
 * its weights as text, and the first digits of a hash.
 * @typedef {{ name: string, weight: string, textWeight?: string, hash?: string }} Network
 */

/**
 * @param {Network[]} networks
 * @returns {[string, string]} the field; empty where there is none
 */
export function loraField(networks) {
  const choices = networks.flatMap(({ name, weight, textWeight = weight, hash = "" }) => {
    const own = name.replace(/^.*[\\/]/, "").replace(/\.(safetensors|ckpt|pt|bin)$/i, "");
    const [unet, encoder] = [weight, textWeight].map((text) => Number(text || "1"));
    const fits = Number.isFinite(unet) && Number.isFinite(encoder);
    const weights = { weight: unet ?? 1, textWeight: encoder ?? 1 };
    return own && fits ? [{ name: own, hash, ...weights }] : [];
  });
  return ["loras", writeLoras(choices)];
}

/**
 * The LoRAs of a node of ComfyUI, as these nodes have them:
 *
 *     LoraLoader, LoraLoaderModelOnly    lora_name, strength_model, strength_clip
 *     rgthree's Power Lora Loader        lora_1: { on, lora, strength, strengthTwo }, lora_2 …
 *     rgthree's Lora Loader Stack        lora_01, strength_01, …
 *     CR LoRA Stack                      switch_1, lora_name_1, model_weight_1, clip_weight_1, …
 *     Efficiency's LoRA Stacker          input_mode, lora_count, lora_name_1, and lora_wt_1 or,
 *                                        in the mode "advanced", model_str_1, clip_str_1
 * @param {Record<string, unknown>} inputs
 * @returns {Network[]}
 */
export function stackedLoras(inputs) {
  const value = (/** @type {string} */ name) => textOf(inputs, name);
  const single = value("lora_name");
  // LoraLoaderModelOnly leaves the text encoder as it is.
  const weights = { weight: value("strength_model"), textWeight: value("strength_clip") || "0" };
  /** @type {Network[]} */
  const found = isNone(single) ? [] : [{ name: single, ...weights }];
  const advanced = value("input_mode") !== "simple";
  for (const [input, content] of Object.entries(inputs)) {
    const [, number = ""] = /^lora_(?:name_)?(\d+)$/.exec(input) ?? [];
    if (!number || Number(number) > (Number(value("lora_count")) || Infinity)) continue;
    const one = typeof content === "object" ? powerLora(content) : undefined;
    if (one) found.push(one);
    const name = typeof content === "string" ? content : "";
    if (isNone(name) || value(`switch_${number}`) === "Off") continue;
    const both = value(`lora_wt_${number}`) || value(`strength_${number}`);
    const own = value(`model_weight_${number}`) || value(`model_str_${number}`);
    const text = value(`clip_weight_${number}`) || value(`clip_str_${number}`);
    const apart = own && (advanced || !both);
    found.push({ name, weight: apart ? own : both, ...(apart && text && { textWeight: text }) });
  }
  return found;
}

/** @param {unknown} content @returns {Network | undefined} */
function powerLora(content) {
  const name = textOf(content, "lora");
  if (isNone(name) || textOf(content, "on") === "false") return undefined;
  const textWeight = textOf(content, "strengthTwo");
  return { name, weight: textOf(content, "strength"), ...(textWeight && { textWeight }) };
}

/** @param {string} name */
const isNone = (name) => ["", "none"].includes(name.toLowerCase());
