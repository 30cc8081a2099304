// ComfyUI's workflow, as its editor saves it: nodes with the values of their widgets in a row, and
// links. It becomes the graph that comfy.js reads. The names of widgets are in newer files; those
// of ComfyUI's own nodes are also known here.

import { readGraph } from "./comfy.js";
import { own, parseJson, textOf } from "./json.js";

/** @typedef {import("./request.js").Found} Found */

/** What the editor does with a seed after a run; no input of a node. */
const CONTROL = "control_after_generate";

/** The widgets of ComfyUI's own nodes, in their order. @type {Record<string, string[]>} */
const WIDGETS = {
  KSampler: ["seed", CONTROL, "steps", "cfg", "sampler_name", "scheduler", "denoise"],
  KSamplerAdvanced: [
    ...["add_noise", "noise_seed", CONTROL, "steps", "cfg", "sampler_name", "scheduler"],
    ...["start_at_step", "end_at_step", "return_with_leftover_noise"],
  ],
  SamplerCustom: ["add_noise", "noise_seed", CONTROL, "cfg"],
  RandomNoise: ["noise_seed", CONTROL],
  KSamplerSelect: ["sampler_name"],
  BasicScheduler: ["scheduler", "steps", "denoise"],
  KarrasScheduler: ["steps", "sigma_max", "sigma_min", "rho"],
  ExponentialScheduler: ["steps", "sigma_max", "sigma_min"],
  CFGGuider: ["cfg"],
  CLIPTextEncode: ["text"],
  CLIPSetLastLayer: ["stop_at_clip_layer"],
  EmptyLatentImage: ["width", "height", "batch_size"],
  CheckpointLoaderSimple: ["ckpt_name"],
  VAELoader: ["vae_name"],
  LoraLoader: ["lora_name", "strength_model", "strength_clip"],
  LoraLoaderModelOnly: ["lora_name", "strength_model"],
  ControlNetLoader: ["control_net_name"],
  ControlNetApply: ["strength"],
  ControlNetApplyAdvanced: ["strength", "start_percent", "end_percent"],
  LatentUpscale: ["upscale_method", "width", "height", "crop"],
  LatentUpscaleBy: ["upscale_method", "scale_by"],
  ImageScale: ["upscale_method", "width", "height", "crop"],
  ImageScaleBy: ["upscale_method", "scale_by"],
  UpscaleModelLoader: ["model_name"],
  FreeU: ["b1", "b2", "s1", "s2"],
  RescaleCFG: ["multiplier"],
  LoadImage: ["image"],
};

/** Modes of a node that does not run, and of one that passes on what it is given. */
const [MUTED, BYPASSED] = [2, 4];

/** The most nodes that one link is followed through. */
const BYPASSED_MAX = 100;

/**
 * @param {string} text
 * @returns {Found}
 */
export function readWorkflow(text) {
  const data = parseJson(text);
  const nodes = listOf(data, "nodes");
  const byId = new Map(nodes.map((node) => [textOf(node, "id"), node]));
  /** The ends that links begin at: node, slot. @type {Map<string, [string, number]>} */
  const links = new Map();
  for (const link of listOf(data, "links")) {
    const [id, from, slot] = Array.isArray(link)
      ? link
      : ["id", "origin_id", "origin_slot"].map((name) => own(link, name));
    links.set(String(id), [String(from), Number(slot)]);
  }
  const follow = (/** @type {unknown} */ id, /** @type {unknown} */ type) => {
    let end = links.get(String(id));
    for (let i = 0; end && i < BYPASSED_MAX; i++) {
      const node = byId.get(end[0]);
      if (own(node, "mode") !== BYPASSED) break;
      const same = listOf(node, "inputs").find((input) => own(input, "type") === type);
      end = links.get(String(own(same, "link")));
    }
    return end;
  };
  const graph = nodes
    .filter((node) => ![MUTED, BYPASSED].includes(own(node, "mode")))
    .map((node) => {
      const linked = listOf(node, "inputs").flatMap((input) => {
        const end = follow(own(input, "link"), own(input, "type"));
        return end ? [[textOf(input, "name"), end]] : [];
      });
      const inputs = Object.fromEntries([...widgetsOf(node), ...linked]);
      return [textOf(node, "id"), { class_type: textOf(node, "type"), inputs }];
    });
  return readGraph(Object.fromEntries(graph));
}

/** @param {unknown} data @param {string} name @returns {any[]} */
function listOf(data, name) {
  const list = own(data, name);
  return Array.isArray(list) ? list : [];
}

/**
 * The values of a node's widgets by their names.
 * @param {unknown} node
 * @returns {[string, unknown][]}
 */
function widgetsOf(node) {
  const values = own(node, "widgets_values");
  if (!Array.isArray(values)) return Object.entries(values ?? {});
  const kind = textOf(node, "type");
  const named = listOf(node, "inputs").flatMap((input) => {
    const name = textOf(own(input, "widget"), "name");
    // The value after a seed is not an input.
    return name && /seed$/.test(name) ? [name, CONTROL] : name || [];
  });
  const names = Object.hasOwn(WIDGETS, kind) ? (WIDGETS[kind] ?? []) : named;
  if (names.length)
    return names
      .map((name, i) => /** @type {[string, unknown]} */ ([name, values[i]]))
      .filter(([name, value]) => name !== CONTROL && value !== undefined);
  const text = values.find((value) => typeof value === "string");
  return text === undefined ? [] : [["text", text]];
}
