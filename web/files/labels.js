// The settings of a text in AUTOMATIC1111's format: which are taken over elsewhere, which say
// nothing of the image, and which are as they would be anyway. All others are lost, and are listed.

import { FIELDS } from "../engine/fields.js";
import { listed, isOff } from "./left_over.js";

/** Settings that are read by name, beside those that fields are called. */
const READ = [
  ...["Seed", "Steps", "Sampler", "CFG scale", "CFG Scale", "Size", "Schedule type", "Scheduler"],
  ...["Clip skip", "RNG", "Denoising strength", "Lora weights", "Lora hashes", "TI hashes"],
  ...["Prompt weights", "Model", "Model hash", "VAE", "VAE hash", "VAE model", "Unet", "TE", "T5"],
  ...["Masked content", "Masked area padding", "Mask blur", "Eta"],
];

/** Settings that say nothing of the image, or say again what others say. */
const QUIET = [
  ...["Version", "User", "App", "Backend", "Comment", "Operations", "Pipeline", "Created Date"],
  ...["Batch", "Batch size", "Batch pos", "Index", "Grid", "Time taken", "Init image hash"],
  ...["Init image size", "Template", "Negative Template", "Template Generator", "Hashes", "TI"],
  ...["Wildcard prompt", "Wildcard negative", "LoRA hashes", "Lora SHA-256", "Embeddings", "SDCPP"],
  ...["Safety checker", "Raw prompt", "Raw negative prompt", "Civitai resources", "LoRA tags"],
  ...["Civitai metadata", "Performance", "Hires force", "HiRes resize mode", "Module 1", "Device"],
  ...["Module 2", "Module 3", "Module 4", "Lora SHA-256", "Prompt weights", "Prompt syntax"],
];

/** Settings that are on unless the text says otherwise: these are lost where they are off. */
const ON = ["UniPC lower order final"];

/** Values that are the usual ones. @type {Map<string, RegExp>} */
const USUAL = new Map([
  ["Emphasis", /^(Original|None)$/],
  ["Mask mode", /^Inpaint masked$/],
  ["Inpaint area", /^(Whole picture|Only masked)$/],
  ["Hires sampler", /^(Use same sampler|Default|Same as primary)$/],
  ["Hires checkpoint", /^Use same checkpoint$/],
  ["Hires Module 1", /^Use same choices$/],
  ["VAE Encoder", /^Full$/],
  ["VAE Decoder", /^Full$/],
  ["Noise multiplier", /^1(\.0*)?$/],
  ["Sigma noise", /^1(\.0*)?$/],
  ["Sigma churn", /^0(\.0*)?$/],
  ["ENSD", /^0$/],
  ["Schedule rho", /^0(\.0*)?$/],
  ["Schedule max sigma", /^0(\.0*)?$/],
  ["Schedule min sigma", /^0(\.0*)?$/],
  ["Beta schedule alpha", /^0?\.60*$/],
  ["Beta schedule beta", /^0?\.60*$/],
  ["Noise Schedule", /^Default$/],
  ["Parser", /^(native|full parser|a1111|xhinker|compel)/i],
  ["Extra noise", /^0(\.0*)?$/],
  ["Variation seed strength", /^0(\.0*)?$/],
  ["Variation strength", /^0(\.0*)?$/],
  ["CFG Rescale", /^0(\.0*)?$/],
  ["CFG rescale", /^0(\.0*)?$/],
  ["Resize scale", /^1(\.0*)?$/],
  ["UniPC lower order final", /^True$/],
  ["UniPC variant", /^bh1$/],
  ["UniPC skip type", /^time_uniform$/],
  ["UniPC order", /^3$/],
]);

/** Settings of the second pass that are lost only where they differ from those of the first. */
const SAME_AS = new Map([
  ["Hires CFG Scale", "CFG scale"],
  ["Hires schedule type", "Schedule type"],
  ["Hires sampler", "Sampler"],
  ["Sampler RNG", "RNG"],
]);

/** Names of fields that stand for something else in other programs' texts. */
const OTHERS = ["FreeU", "Noise Schedule", "Eta"];

/** The names of fields in this format. */
const named = () =>
  [...FIELDS.values()].flatMap(({ text }) => (text && !OTHERS.includes(text) ? [text] : []));

/**
 * What of a text's settings is lost.
 * @param {[string, string][]} fields
 * @param {(name: string) => string} value of a setting
 * @param {string[]} read those that are taken over beside the usual ones
 */
export function lostSettings(fields, value, read) {
  const known = new Set([...READ, ...QUIET, ...named(), ...read]);
  const first = { "Schedule type": "Automatic" };
  const lost = fields.filter(([name, text]) => {
    if (known.has(name) || USUAL.get(name)?.test(text)) return false;
    if (isOff(text) && !ON.includes(name)) return false;
    const other = SAME_AS.get(name) ?? "";
    return (
      !other || text !== (value(other) || Object.entries(first).find(([n]) => n === other)?.[1])
    );
  });
  return listed(lost);
}
