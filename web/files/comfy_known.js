// Which nodes of ComfyUI's graph are read whole, or leave the image as it is. Of any other node
// that a request is read from, the settings that are not read are listed.

import { isOff } from "./left_over.js";
import { own, textOf } from "./json.js";

/** @typedef {import("./comfy_graph.js").Node} Node */

/** ComfyUI's own nodes whose every setting is read, says nothing, or is told elsewhere. */
const WHOLE = new Set([
  ...["KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced", "KSamplerSelect"],
  ...["RandomNoise", "CFGGuider", "BasicGuider", "CLIPTextEncode", "CLIPSetLastLayer"],
  ...["EmptyLatentImage", "EmptySD3LatentImage", "VAEDecode", "VAEDecodeTiled", "VAEEncode"],
  ...["VAEEncodeTiled", "VAEEncodeForInpaint", "VAELoader", "LoadImage", "LoadImageMask"],
  ...["LoadImageOutput", "CheckpointLoader", "CheckpointLoaderSimple", "UNETLoader", "CLIPLoader"],
  ...["DualCLIPLoader", "ControlNetLoader", "DiffControlNetLoader", "UpscaleModelLoader"],
  ...["LoraLoader", "LoraLoaderModelOnly", "ConditioningCombine", "ConditioningConcat"],
  ...["BasicScheduler", "SetLatentNoiseMask", "InpaintModelConditioning"],
  // LoRAs of other nodes (networks.js).
  ...["Power Lora Loader (rgthree)", "Lora Loader Stack (rgthree)", "LoRA Stacker"],
  ...["CR LoRA Stack", "CR Apply LoRA Stack"],
  // They pass on what they are given.
  ...["Reroute (rgthree)", "Any Switch (rgthree)", "Context (rgthree)", "ToBasicPipe"],
  ...["FromBasicPipe", "GetNode", "SetNode", "LatentBatch", "ImageBatch"],
]);

/** Nodes that show, save or note something, and nodes that are a value. */
const QUIET = new RegExp(
  "^(Save|Preview|Show|Display|Note|MarkdownNote|Reroute$|Primitive|Image Save$)|" +
    "^(Int|Integer|Float|String|Text|Number|Seed|Text Multiline|Seed \\(rgthree\\)|" +
    "(INT|Float|String)Constant\\w*|String(Concatenate|Literal)?|String Literal)$",
);

/** Inputs that are read wherever they are, or that say nothing of the image. */
const READ = new Set([
  ...["seed", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "width"],
  ...["height", "batch_size", "ckpt_name", "base_ckpt_name", "unet_name", "vae_name", "lora_name"],
  ...["strength_model", "strength_clip", "control_net_name", "stop_at_clip_layer", "value", "int"],
  ...[
    "float",
    "delimiter",
    "separator",
    "type",
    "device",
    "weight_dtype",
    "control_after_generate",
  ],
  ...["filename_prefix", "image", "upload", "preview_method", "vae_decode", "positive", "negative"],
  ...["add_noise", "start_at_step", "end_at_step", "return_with_leftover_noise", "model_type"],
]);

/** Inputs that are a prompt, or a part of one. */
const TEXT = /^(text|string|prompt|str)\w*$/i;

/** Values that are the usual ones: numbers within a thousandth. @type {Map<string, unknown>} */
const USUAL = new Map(
  Object.entries({
    ...{ rho: 7, sigma_max: 14.6146, sigma_min: 0.02917, noise: 1, s_noise: 1, amount: 1 },
    ...{ weight_interpretation: "comfy", parser: "comfy", eta: 1 },
  }),
);

/** @param {string} name @param {unknown} value */
function isUsual(name, value) {
  const usual = USUAL.get(name);
  return typeof value === "number" && typeof usual === "number"
    ? Math.abs(value - usual) < 1e-3
    : usual !== undefined && value === usual;
}

/** Whether nothing of a node is lost. @param {Node} node */
export const isWhole = ({ kind }) => WHOLE.has(kind) || QUIET.test(kind);

/**
 * The settings of a node that is read, and that are not.
 * @param {Node} node
 */
export const unread = ({ inputs }) =>
  Object.fromEntries(
    Object.entries(inputs).filter(
      ([name, value]) =>
        !READ.has(name) &&
        !TEXT.test(name) &&
        !isOff(textOf(inputs, name)) &&
        !isUsual(name, value),
    ),
  );

/**
 * Why the image cannot be told from others of its batch: how many it has, and nodes that choose.
 * @param {import("./comfy_graph.js").Graph} graph
 * @param {Node} sampler
 */
export function batchIn(graph, sampler) {
  let size = 1;
  for (const node of graph.walk(own(sampler.inputs, "latent_image"))) {
    const names = { RepeatLatentBatch: "amount", RepeatImageBatch: "amount" };
    const input = own(names, node.kind) ?? "batch_size";
    if (!(input in node.inputs)) continue;
    size *= Number(graph.value(node, input, ["value", "int", "amount"])) || 1;
  }
  return size;
}
