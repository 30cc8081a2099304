// The LoRAs of other programs' requests, as the field `loras` of the form.

import { writeLoras } from "./loras.js";

/**
 * A LoRA as another program writes it: the name of its file, perhaps with folders and extension,
 * and its weights as text.
 * @typedef {{ name: string, weight: string, textWeight?: string }} Network
 */

/**
 * @param {Network[]} networks
 * @returns {[string, string]} the field; empty where there is none
 */
export function loraField(networks) {
  const choices = networks.flatMap(({ name, weight, textWeight = weight }) => {
    const own = name.replace(/^.*[\\/]/, "").replace(/\.(safetensors|ckpt|pt|bin)$/i, "");
    const [unet, encoder] = [weight, textWeight].map((text) => Number(text || "1"));
    const fits = Number.isFinite(unet) && Number.isFinite(encoder);
    const weights = { weight: unet ?? 1, textWeight: encoder ?? 1 };
    return own && fits ? [{ name: own, hash: "", ...weights }] : [];
  });
  return ["loras", writeLoras(choices)];
}
