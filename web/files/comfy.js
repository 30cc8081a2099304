// Reads the request from ComfyUI's graph of nodes. Most settings are those of the first sampler of
// a chain, and the prompts are found along its links.

import { FIELDS } from "../engine/fields.js";
import { lossText } from "../strings/losses.js";
import { AND, BREAK, Graph } from "./comfy_graph.js";
import { batchIn } from "./comfy_known.js";
import { controlsIn, lostNodes, modelsIn, patchesIn } from "./comfy_nodes.js";
import { passesIn } from "./comfy_passes.js";
import { writeControls } from "./control_choices.js";
import { controlLosses } from "./controls.js";
import { noHashes, plainName } from "./hashes.js";
import { own, parseJson, textOf } from "./json.js";
import { loraField, stackedLoras } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { readComfyUi, webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */
/** @typedef {import("./comfy_graph.js").Node} Node */

/**
 * @param {string} text
 * @returns {Found}
 * @throws {Error} if it is not a graph with a sampler
 */
export const readComfy = (text) => readGraph(parseJson(text));

/**
 * @param {unknown} data nodes by their ids, as ComfyUI's interface for programs has them
 * @returns {Found}
 */
export function readGraph(data) {
  const graph = new Graph(data);
  const samplers = graph.samplers();
  const first = samplers.find((node) => !graph.follows(node)) ?? samplers[0];
  if (!first) throw new Error("no sampler");
  const guider = graph.linked(first, "guider") ?? first;
  const find = (/** @type {string} */ input, /** @type {string[]} */ names) =>
    graph.value(first, input, names);
  const positive = own(guider.inputs, "positive") ?? own(guider.inputs, "conditioning");
  const words = promptOf(graph.text(positive, "positive"), true);
  const negative = promptOf(graph.text(own(guider.inputs, "negative"), "negative"), false);
  const sampler = samplerFields(
    find("sampler_name", ["value"]) || find("sampler", ["sampler_name"]),
    find("scheduler", ["value"]) ||
      find("sigmas", ["scheduler"]) ||
      // Nodes of one schedule are called by it: KarrasScheduler.
      (graph.linked(first, "sigmas")?.kind.replace(/Scheduler$/, "") ?? ""),
    "ComfyUI",
  );
  const image = graph.reaches(own(first.inputs, "latent_image"), isImage);
  const strength = find("denoise", ["value"]) || find("sigmas", ["denoise"]);
  const steps = find("steps", ["value", "int"]) || find("sigmas", ["steps"]);
  const taken = image ? lastSteps(steps, strength) : { steps, strength: "", notImported: [] };
  const batch = batchIn(graph, first);
  const called = [...words.embeddings, ...negative.embeddings];
  const skip = graph.search(positive, ["stop_at_clip_layer"]);
  const passes = passesIn(graph, samplers, first);
  const controls = controlsIn(graph);
  const patches = patchesIn(graph);
  return {
    fields: [
      ["prompt", words.text],
      ["negative_prompt", negative.text],
      ["steps", taken.steps],
      ["guidance_scale", graph.value(guider, "cfg", ["value", "float"])],
      ["seed", graph.seed(first)],
      ["width", image ? "" : find("latent_image", ["width"])],
      ["height", image ? "" : find("latent_image", ["height"])],
      ...sampler.fields,
      ["clip_skip", /^-\d+$/.test(skip) ? skip.slice(1) : ""],
      ["long_prompt", "chunks"],
      webUiSyntax(),
      ["rng", "torch"],
      ["as_in", "comfyui"],
      ["strength", taken.strength],
      ...passes.fields,
      ...patches.fields,
      loraField(graph.all().flatMap(({ inputs }) => stackedLoras(inputs))),
      ["controls", writeControls(controls.choices)],
    ],
    hashes: { ...noHashes(), embeddings: new Map(called.map((name) => [plainName(name), ""])) },
    offers: sampler.offers,
    madeWith: modelsIn(graph, guider),
    notImported: [
      ...new Set([...words.notImported, ...negative.notImported]),
      ...sampler.notImported,
      ...sampler.noise,
      ...(image ? [lossText.startImage()] : []),
      ...(image && graph.reaches(own(first.inputs, "latent_image"), isMasked)
        ? [lossText.mask()]
        : []),
      ...(!image && strength && Number(strength) < 1
        ? [lossText.setting("denoise", strength)]
        : []),
      ...partOfSteps(first),
      ...taken.notImported,
      ...(batch > 1 ? [lossText.batch(batch)] : []),
      ...patches.lost,
      ...passes.notImported,
      ...controlLosses(controls.lost, controls.choices),
      ...lostNodes(graph, [...passes.used, ...controls.used, ...patches.used]),
    ],
  };
}

/**
 * A prompt whose parts are joined by marks, in AUTOMATIC1111's syntax.
 * @param {string} joined
 * @param {boolean} isPositive the other side cannot have several prompts
 */
function promptOf(joined, isPositive) {
  const { text, embeddings } = readComfyUi(joined);
  const parts = text.split(AND).map((part) => part.replaceAll(BREAK, "BREAK").trim());
  const weight = Number((1 / parts.length).toFixed(4));
  if (parts.length > 1 && isPositive) {
    // Predictions are averaged there; here their differences from the negative one are added.
    const all = parts.map((part) => `${part} :${weight}`).join(" AND ");
    return { text: all, embeddings, notImported: [] };
  }
  const notImported = parts.length > 1 ? [lossText.several()] : [];
  return { text: parts.join(", "), embeddings, notImported };
}

/**
 * ComfyUI takes all `steps`, the last of ⌊steps / denoise⌋; here ⌊steps × strength⌋ are taken. The
 * steps and the strength that do the same.
 * @param {string} steps
 * @param {string} denoise
 */
function lastSteps(steps, denoise) {
  const [count, part] = [Number(steps), Number(denoise)];
  if (!count || !(part > 0 && part < 1)) return { steps, strength: denoise, notImported: [] };
  const all = Math.floor(count / part);
  const strengths = [denoise, String(Math.ceil((count / all) * 1e4) / 1e4)];
  const strength = strengths.find((one) => Math.floor(all * Number(one)) === count);
  return strength && all <= (FIELDS.get("steps")?.most ?? Infinity)
    ? { steps: String(all), strength, notImported: [] }
    : { steps, strength: denoise, notImported: [lossText.lastSteps(steps, denoise)] };
}

/** A sampler that takes only some of its steps, or begins without noise. @param {Node} node */
function partOfSteps({ kind, inputs }) {
  const value = (/** @type {string} */ name) => textOf(inputs, name);
  const settings = {
    start_at_step: Number(value("start_at_step")) > 0,
    end_at_step: value("end_at_step") !== "" && +value("end_at_step") < +value("steps"),
    add_noise: /^(disable|false)$/.test(value("add_noise")),
    return_with_leftover_noise: value("return_with_leftover_noise") === "enable",
  };
  const said = Object.entries(settings)
    .filter(([, isSaid]) => isSaid)
    .map(([name]) => `${name} ${value(name)}`);
  return said.length ? [lossText.part(kind, said)] : [];
}

/** @param {Node} node */
const isImage = ({ kind, inputs }) => /^VAEEncode|^LoadImage/.test(kind) || "pixels" in inputs;

/** @param {Node} node */
const isMasked = ({ kind, inputs }) =>
  /^(SetLatentNoiseMask|VAEEncodeForInpaint|InpaintModelConditioning)$/.test(kind) ||
  ("mask" in inputs && "pixels" in inputs);
