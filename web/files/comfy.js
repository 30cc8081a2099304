// Reads the request from ComfyUI's graph of nodes. Most settings are those of the first sampler of
// a chain, and the prompts are found along its links. Each search visits a node only once, so that
// shared links and cycles do not cost more time; the depth of a search is bounded for the stack.

import { importText } from "../strings/imports.js";
import { noHashes, plainName } from "./hashes.js";
import { own, parseJson, textOf } from "./json.js";
import { loraField, stackedLoras } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { readComfyUi } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */
/** @typedef {{ id: string, kind: string, inputs: Record<string, unknown> }} Node */

/** Links of one path; no real graph has so many. */
const DEPTH_MAX = 500;
/** The most samplers of a graph that are read. */
const SAMPLERS_MAX = 50;
/** The most characters of a text that nodes join. */
const TEXT_MAX = 100_000;

/** Inputs of nodes that have or join texts. */
const TEXTS = /^(text|string|prompt|value|str)[\w]*$/i;
/** Inputs through which one conditioning goes into another. */
const CONDITIONING = /^(conditioning|cond)[\w]*$/i;

/**
 * @param {string} text
 * @returns {Found}
 * @throws {Error} if it is not a graph with a sampler
 */
export function readComfy(text) {
  const graph = new Graph(parseJson(text));
  const samplers = graph.samplers();
  const first = samplers.find((node) => !graph.follows(node)) ?? samplers[0];
  if (!first) throw new Error("no sampler");
  const guider = graph.linked(first, "guider") ?? first;
  const find = (/** @type {string} */ input, /** @type {string[]} */ names) =>
    graph.value(first, input, names);
  const positive = own(guider.inputs, "positive") ?? own(guider.inputs, "conditioning");
  const words = readComfyUi(graph.text(positive, "positive"));
  const negative = readComfyUi(graph.text(own(guider.inputs, "negative"), "negative"));
  const sampler = samplerFields(
    find("sampler_name", ["value"]) || find("sampler", ["sampler_name"]),
    find("scheduler", ["value"]) ||
      find("sigmas", ["scheduler"]) ||
      // Nodes of one schedule are called by it: KarrasScheduler.
      (graph.linked(first, "sigmas")?.kind.replace(/Scheduler$/, "") ?? ""),
  );
  const image = graph.reaches(own(first.inputs, "latent_image"), isImage);
  const strength = find("denoise", ["value"]) || find("sigmas", ["denoise"]);
  const called = [...words.embeddings, ...negative.embeddings];
  const skip = graph.search(positive, ["stop_at_clip_layer"]);
  return {
    fields: [
      ["prompt", words.text],
      ["negative_prompt", negative.text],
      ["steps", find("steps", ["value", "int"]) || find("sigmas", ["steps"])],
      ["guidance_scale", graph.value(guider, "cfg", ["value", "float"])],
      ["seed", graph.seed(first)],
      ["width", image ? "" : find("latent_image", ["width"])],
      ["height", image ? "" : find("latent_image", ["height"])],
      ...sampler.fields,
      ["clip_skip", /^-\d+$/.test(skip) ? skip.slice(1) : ""],
      ["long_prompt", "chunks"],
      ["prompt_weights", "true"],
      ["rng", "torch"],
      ["strength", image ? strength : ""],
      graph.loras(),
    ],
    hashes: { ...noHashes(), embeddings: new Map(called.map((name) => [plainName(name), ""])) },
    notImported: [
      ...words.notImported,
      ...negative.notImported,
      ...sampler.notImported,
      ...(image ? [importText.startImage()] : []),
      ...graph.notImported(),
      ...samplers.filter((node) => node !== first).map((node) => importText.pass(settingsOf(node))),
    ],
  };
}

/** The settings of a sampler, as text. @param {Node} node */
function settingsOf({ inputs }) {
  const names = ["steps", "sampler_name", "scheduler", "cfg", "denoise"];
  const known = names.map((name) => [name, textOf(inputs, name)]).filter(([, value]) => value);
  return known.map((pair) => pair.join(" ")).join(", ");
}

/** @param {Node} node */
const isSampler = ({ kind, inputs }) =>
  ("positive" in inputs && ("steps" in inputs || "sigmas" in inputs)) ||
  ("guider" in inputs && "sigmas" in inputs) ||
  /^KSampler(Advanced)?$/.test(kind);

/** @param {Node} node */
const isImage = ({ kind, inputs }) => /^VAEEncode|^LoadImage/.test(kind) || "pixels" in inputs;

class Graph {
  /** @type {Map<string, Node>} */
  #nodes = new Map();
  /** @type {Map<string, string>} texts that were read, by node and side; empty while being read */
  #texts = new Map();

  /** @param {unknown} data */
  constructor(data) {
    if (typeof data !== "object" || data === null) throw new Error("no graph");
    for (const [id, node] of Object.entries(data)) {
      const inputs = own(node, "inputs");
      if (typeof inputs === "object" && inputs !== null)
        this.#nodes.set(id, { id, kind: textOf(node, "class_type"), inputs });
    }
  }

  samplers() {
    return [...this.#nodes.values()].filter(isSampler).slice(0, SAMPLERS_MAX);
  }

  /** @param {unknown} link @returns {Node | undefined} */
  #at(link) {
    return Array.isArray(link) ? this.#nodes.get(String(link[0])) : undefined;
  }

  /**
   * The node behind an input.
   * @param {Node} node
   * @param {string} input
   */
  linked(node, input) {
    return this.#at(own(node.inputs, input));
  }

  /**
   * The node behind a link and the nodes before it, the nearest first, each once.
   * @param {unknown} link
   */
  *#walk(link) {
    const first = this.#at(link);
    const seen = new Set(first ? [first] : []);
    for (const node of seen) {
      yield node;
      for (const value of Object.values(node.inputs)) {
        const next = this.#at(value);
        if (next) seen.add(next);
      }
    }
  }

  /**
   * @param {unknown} link
   * @param {(node: Node) => boolean} is
   */
  reaches(link, is) {
    for (const node of this.#walk(link)) if (is(node)) return true;
    return false;
  }

  /**
   * Whether a sampler begins with the latents of another sampler.
   * @param {Node} node
   */
  follows(node) {
    const latents = own(node.inputs, "latent_image") ?? own(node.inputs, "samples");
    return this.reaches(latents, isSampler);
  }

  /**
   * The nearest value of one of these names, as text.
   * @param {unknown} link
   * @param {string[]} names
   */
  search(link, names) {
    for (const { inputs } of this.#walk(link))
      for (const name of names) if (textOf(inputs, name)) return textOf(inputs, name);
    return "";
  }

  /**
   * An input's value, or that of these names behind its link.
   * @param {Node} node
   * @param {string} input
   * @param {string[]} names
   */
  value(node, input, names) {
    return textOf(node.inputs, input) || this.search(own(node.inputs, input), names);
  }

  /** @param {Node} node */
  seed(node) {
    const names = ["noise_seed", "seed", "value", "int"];
    for (const input of ["seed", "noise_seed", "noise"]) {
      const seed = this.value(node, input, names);
      if (/^\d+$/.test(seed)) return seed;
    }
    return "";
  }

  /**
   * The text of a conditioning.
   * @param {unknown} link
   * @param {"positive" | "negative"} side which of the two, where a node has both
   * @returns {string}
   */
  text(link, side, depth = 0) {
    const node = depth < DEPTH_MAX ? this.#at(link) : undefined;
    if (!node || /ZeroOut/.test(node.kind)) return "";
    const slot = Array.isArray(link) ? Number(link[1]) : 0;
    const both = "positive" in node.inputs && "negative" in node.inputs;
    const own_side = both ? (slot === 1 ? "negative" : "positive") : side;
    return this.#once(`${node.id} ${own_side}`, () => {
      if (both) return this.text(own(node.inputs, own_side), own_side, depth + 1);
      const entries = Object.entries(node.inputs);
      const joined = entries.filter(([name]) => CONDITIONING.test(name));
      if (joined.length) return this.#joined(joined, ", ", (to) => this.text(to, side, depth + 1));
      const large = own(node.inputs, "text_g") ?? own(node.inputs, "text");
      if (large !== undefined) return this.#string(large, depth + 1);
      const texts = entries.filter(([name]) => TEXTS.test(name));
      if (texts.length) return this.#joined(texts, ", ", (to) => this.#string(to, depth + 1));
      for (const [, to] of entries) {
        const found = this.text(to, side, depth + 1);
        if (found) return found;
      }
      return "";
    });
  }

  /**
   * The text of a value: the value itself, or the texts that nodes behind its link have joined.
   * @param {unknown} value
   * @param {number} depth
   * @returns {string}
   */
  #string(value, depth) {
    if (typeof value === "string" || typeof value === "number") return String(value);
    const node = depth < DEPTH_MAX ? this.#at(value) : undefined;
    if (!node) return "";
    return this.#once(`${node.id} string`, () => {
      const between = own(node.inputs, "delimiter") ?? own(node.inputs, "separator");
      const mark = typeof between === "string" ? between : /Concat/.test(node.kind) ? "" : ", ";
      const texts = Object.entries(node.inputs).filter(([name]) => TEXTS.test(name));
      return this.#joined(texts, mark, (to) => this.#string(to, depth + 1));
    });
  }

  /**
   * @param {[string, unknown][]} entries
   * @param {string} mark
   * @param {(value: unknown) => string} read
   */
  #joined(entries, mark, read) {
    let text = "";
    for (const [, value] of entries) {
      const next = text.length < TEXT_MAX ? read(value) : "";
      text += text && next ? mark + next : next;
    }
    return text.slice(0, TEXT_MAX);
  }

  /**
   * @param {string} key
   * @param {() => string} read
   */
  #once(key, read) {
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    this.#texts.set(key, "");
    const text = read();
    this.#texts.set(key, text);
    return text;
  }

  /** The LoRAs of all loaders and stacks. */
  loras() {
    return loraField([...this.#nodes.values()].flatMap(({ inputs }) => stackedLoras(inputs)));
  }

  /** What other nodes did to the image, and this program cannot do. */
  notImported() {
    const notImported = new Set();
    for (const { kind } of this.#nodes.values()) {
      if (/ControlNetApply/.test(kind)) notImported.add("ControlNet");
      if (/IPAdapter/.test(kind)) notImported.add("IP-Adapter");
    }
    return [...notImported];
  }
}
