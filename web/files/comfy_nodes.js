// What nodes of ComfyUI's graph say beside samplers and prompts: models, ControlNets, changes of
// the model, and which nodes have no equal here.

import { lossText } from "../strings/losses.js";
import { isWhole, unread } from "./comfy_known.js";
import { controlOf } from "./controls.js";
import { own, textOf } from "./json.js";
import { listed } from "./left_over.js";

/** @typedef {import("./comfy_graph.js").Graph} Graph */
/** @typedef {import("./comfy_graph.js").Node} Node */

/** The most ControlNets that are read, and the most kinds of nodes that are listed. */
const [CONTROLS_MAX, KINDS_MAX] = [20, 100];

/**
 * The models of a sampler's image.
 * @param {Graph} graph
 * @param {Node} sampler
 */
export function modelsIn(graph, sampler) {
  const model = graph.search(own(sampler.inputs, "model"), [
    ...["ckpt_name", "unet_name", "base_ckpt_name"],
  ]);
  const vae = graph
    .all()
    .map(({ kind, inputs }) => /VAELoader/.test(kind) && textOf(inputs, "vae_name"));
  return [
    ...(model ? [{ kind: "model", name: fileName(model), hash: "" }] : []),
    ...vae.flatMap((name) => (name ? [{ kind: "vae", name: fileName(name), hash: "" }] : [])),
  ];
}

/** @param {string} path */
const fileName = (path) =>
  path.replace(/^.*[\\/]/, "").replace(/\.(safetensors|ckpt|pt|gguf)$/i, "");

/**
 * The ControlNets, each with what makes its picture.
 * @param {Graph} graph
 */
export function controlsIn(graph) {
  /** @type {import("./control_choices.js").ControlChoice[]} */
  const choices = [];
  /** @type {string[]} */
  const lost = [];
  /** @type {Node[]} */
  const used = [];
  const nodes = graph.all().filter(({ kind }) => /ControlNetApply/.test(kind));
  for (const node of nodes.slice(0, CONTROLS_MAX)) {
    const value = (/** @type {string} */ name) => textOf(node.inputs, name);
    const name = graph.search(own(node.inputs, "control_net"), ["control_net_name"]);
    const maker = makerOf(graph, node);
    const [start, end] = [value("start_percent"), value("end_percent")];
    const choice = controlOf({ name, weight: value("strength"), start, end }, maker?.module);
    if (!choice) {
      lost.push("ControlNet");
      continue;
    }
    choices.push(choice);
    used.push(node, ...(maker?.node && maker.isSame ? [maker.node] : []));
    if (Number(start) > 0 || (end && Number(end) < 1))
      lost.push(lossText.controlTimes(choice.name));
  }
  if (nodes.length > CONTROLS_MAX) lost.push("ControlNet");
  return { choices, lost: [...new Set(lost)], used };
}

/**
 * What makes the picture of a ControlNet from another one: the nearest node that does.
 * @param {Graph} graph
 * @param {Node} control
 */
function makerOf(graph, control) {
  for (const node of graph.walk(own(control.inputs, "image"))) {
    const { kind, inputs } = node;
    const [low, high] = [textOf(inputs, "low_threshold"), textOf(inputs, "high_threshold")];
    if (kind === "ImageInvert") return { node, module: "invert", isSame: true };
    // ComfyUI's own node finds edges in another way.
    if (kind === "Canny") return { node, module: "canny", isSame: false };
    if (kind === "CannyEdgePreprocessor")
      return { node, module: "canny", isSame: low === "100" && high === "200" };
  }
  return undefined;
}

/**
 * Changes of the model that are fields here.
 * @param {Graph} graph
 */
export function patchesIn(graph) {
  /** @type {[string, string][]} */
  const fields = [];
  /** @type {Node[]} */
  const used = [];
  /** @type {string[]} */
  const lost = [];
  for (const node of graph.all()) {
    const value = (/** @type {string} */ name) => textOf(node.inputs, name);
    const isZero = node.kind === "ModelSamplingDiscrete" && value("zsnr") === "true";
    const [name, text] = isZero
      ? ["rescale_betas_zero_snr", "true"]
      : ({
          FreeU: ["freeu", freeuOf(value)],
          RescaleCFG: ["guidance_rescale", value("multiplier")],
          TomePatchModel: ["token_merging_ratio", value("ratio")],
        }[node.kind] ?? []);
    if (!name || !text) continue;
    fields.push([name, text]);
    used.push(node);
    if (name === "freeu") lost.push(lossText.freeu("ComfyUI"));
    const kind = value("sampling");
    if (isZero && !["", "eps", "v_prediction"].includes(kind))
      lost.push(lossText.setting("sampling", kind));
  }
  return { fields, used, lost };
}

/** FreeU's four numbers, as the field has them. @param {(name: string) => string} value */
const freeuOf = (value) => {
  const all = ["s1", "s2", "b1", "b2"].map(value);
  return all.every(Boolean) ? all.join(", ") : "";
};

/**
 * Nodes that changed the image and have no equal here, by their kinds.
 * @param {Graph} graph
 * @param {Node[]} used those that are taken over
 */
export function lostNodes(graph, used) {
  const taken = new Set(used);
  /** @type {Map<string, string>} */
  const kinds = new Map();
  const read = new Set([...graph.used, ...graph.samplers()]);
  for (const node of graph.all()) {
    if (kinds.size >= KINDS_MAX) break;
    const { kind, inputs } = node;
    if (!kind || taken.has(node) || isWhole(node) || /ControlNetApply/.test(kind)) continue;
    // Of conditioning and its like, the kind itself is lost: only its text is read.
    const isRead = read.has(node) && !/^Conditioning/.test(kind);
    const settings = settingsOf(isRead ? unread(node) : inputs);
    if (isRead && !settings) continue;
    if (/IPAdapter/.test(kind)) kinds.set("IP-Adapter", "");
    else kinds.set(kind, kinds.get(kind) || settings);
  }
  return [...kinds].flatMap(([kind, settings]) => listed([[kind, settings]]));
}

/** Texts that are a file's name, or so long that they are no setting. */
const NO_SETTING = /\.(safetensors|ckpt|pth?|bin|gguf|png|jpe?g|webp)$|^[^]{61}/i;

/** The values of a node, as text. @param {Record<string, unknown>} inputs */
function settingsOf(inputs) {
  const values = Object.entries(inputs).filter(
    ([, value]) =>
      typeof value === "number" || (typeof value === "string" && !NO_SETTING.test(value)),
  );
  return values
    .slice(0, 6)
    .map((pair) => pair.join(" "))
    .join(", ");
}
