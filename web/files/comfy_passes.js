// The samplers of ComfyUI's graph beside the first one. One that begins with the first one's image,
// enlarged, and is set as that, is the second pass of a request; any other is lost.

import { lossText } from "../strings/losses.js";
import { fitTo, upscalerNamed } from "./hires.js";
import { own, textOf } from "./json.js";

/** @typedef {import("./comfy_graph.js").Graph} Graph */
/** @typedef {import("./comfy_graph.js").Node} Node */
/** @typedef {{ fields: [string, string][], notImported: string[], used: Node[] }} Passes */

/** Settings that both samplers must have alike. */
const ALIKE = ["cfg", "sampler_name", "scheduler", "positive", "negative", "model"];

/**
 * @param {Graph} graph
 * @param {Node[]} samplers
 * @param {Node} first
 * @returns {Passes}
 */
export function passesIn(graph, samplers, first) {
  const others = samplers.filter((node) => node !== first);
  const [second] = others;
  const pass = second && others.length === 1 ? secondPass(graph, first, second) : null;
  if (pass) return pass;
  const notImported = others.map((node) => lossText.pass(settingsOf(node)));
  return { fields: [], notImported, used: others };
}

/**
 * @param {Graph} graph
 * @param {Node} first
 * @param {Node} second
 * @returns {Passes | null} null if it is none that this program can make
 */
function secondPass(graph, first, second) {
  const isAlike = ALIKE.every((name) => {
    const [a, b] = [first, second].map(({ inputs }) => JSON.stringify(own(inputs, name) ?? ""));
    return a === b;
  });
  const larger = enlargement(graph, first, second);
  const size = ["width", "height"].map((name) =>
    Number(graph.value(first, "latent_image", [name])),
  );
  if (!isAlike || !larger || !size.every(Boolean) || second.kind !== "KSampler") return null;
  const to = larger.scale ? size.map((side) => side * larger.scale) : larger.size;
  const { scale, notImported } = fitTo(size, to);
  const [steps, strength] = [textOf(second.inputs, "steps"), textOf(second.inputs, "denoise")];
  if (!(scale > 1) || !steps || !(Number(strength) > 0)) return null;
  const { upscaler, file, notImported: lost } = upscalerNamed(larger.method);
  const seeds = [graph.seed(first), graph.seed(second)];
  return {
    fields: [
      ["hires_scale", String(scale)],
      ["hires_steps", steps],
      ["hires_strength", strength],
      ["hires_upscaler", upscaler],
      ["upscaler", file],
    ],
    notImported: [
      ...notImported,
      ...lost,
      ...(seeds[0] === seeds[1] ? [] : [lossText.passSeed(seeds[1] ?? "")]),
    ],
    used: [second, ...larger.nodes],
  };
}

/**
 * What enlarges the first sampler's latents, or its image, on the way to the second one.
 * @param {Graph} graph
 * @param {Node} first
 * @param {Node} second
 */
function enlargement(graph, first, second) {
  /** @type {{ scale: number, size: number[], method: string, nodes: Node[] }} */
  const found = { scale: 0, size: [], method: "", nodes: [] };
  let isSized = false;
  let node = graph.linked(second, "latent_image");
  for (let i = 0; i < 6 && node && node !== first; i++) {
    const { kind, inputs } = node;
    const value = (/** @type {string} */ name) => textOf(inputs, name);
    const isLatent = /^LatentUpscale(By)?$/.test(kind);
    found.nodes.push(node);
    if (isLatent || /^ImageScale(By)?$/.test(kind)) {
      if (isSized || !value("upscale_method")) return null;
      isSized = true;
      found.scale = Number(value("scale_by"));
      found.size = [Number(value("width")), Number(value("height"))];
      found.method ||= `${isLatent ? "latent" : "pixel"}-${value("upscale_method")}`;
    } else if (kind === "ImageUpscaleWithModel") {
      // How much larger that makes it is known only where a size follows.
      if (!isSized || found.scale) return null;
      found.method = graph.search(own(inputs, "upscale_model"), ["model_name"]);
    } else if (!/^VAE(En|De)code$/.test(kind)) return null;
    const next = ["samples", "pixels", "image"].find((name) => Array.isArray(own(inputs, name)));
    node = next ? graph.linked(node, next) : undefined;
  }
  return node === first && isSized && found.method ? found : null;
}

/** The settings of a sampler, as text. @param {Node} node */
function settingsOf({ inputs }) {
  const names = ["steps", "sampler_name", "scheduler", "cfg", "denoise"];
  const known = names.map((name) => [name, textOf(inputs, name)]).filter(([, value]) => value);
  return known.map((pair) => pair.join(" ")).join(", ");
}
