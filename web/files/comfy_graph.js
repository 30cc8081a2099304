// ComfyUI's graph of nodes, as it is searched for a request. Each search visits a node only once,
// so that shared links and cycles do not cost more time; the depth of a search is bounded for the
// stack.

import { own, textOf } from "./json.js";

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
 * Between texts whose contexts follow one another, and between those that are combined, until the
 * syntax of the texts themselves has been read.
 */
export const [BREAK, AND] = ["\u0001", "\u0002"];

/** @param {Node} node */
const isSampler = ({ kind, inputs }) =>
  ("positive" in inputs && ("steps" in inputs || "sigmas" in inputs)) ||
  ("guider" in inputs && "sigmas" in inputs) ||
  /^KSampler(Advanced)?$/.test(kind);

export class Graph {
  /** @type {Map<string, Node>} */
  #nodes = new Map();
  /** @type {Map<string, string>} texts that were read, by node and side; empty while being read */
  #texts = new Map();
  /** Nodes whose values were read. @type {Set<Node>} */
  used = new Set();

  /** @param {unknown} data */
  constructor(data) {
    if (typeof data !== "object" || data === null) throw new Error("no graph");
    for (const [id, node] of Object.entries(data)) {
      const inputs = own(node, "inputs");
      if (typeof inputs === "object" && inputs !== null)
        this.#nodes.set(id, { id, kind: textOf(node, "class_type"), inputs });
    }
  }

  /** All nodes. */
  all() {
    return [...this.#nodes.values()];
  }

  samplers() {
    return [...this.#nodes.values()].filter(isSampler).slice(0, SAMPLERS_MAX);
  }

  /** @param {unknown} link @returns {Node | undefined} */
  at(link) {
    return Array.isArray(link) ? this.#nodes.get(String(link[0])) : undefined;
  }

  /**
   * The node behind an input.
   * @param {Node} node
   * @param {string} input
   */
  linked(node, input) {
    return this.at(own(node.inputs, input));
  }

  /**
   * The node behind a link and the nodes before it, the nearest first, each once.
   * @param {unknown} link
   */
  *walk(link) {
    const first = this.at(link);
    const seen = new Set(first ? [first] : []);
    for (const node of seen) {
      yield node;
      for (const value of Object.values(node.inputs)) {
        const next = this.at(value);
        if (next) seen.add(next);
      }
    }
  }

  /**
   * @param {unknown} link
   * @param {(node: Node) => boolean} is
   */
  reaches(link, is) {
    for (const node of this.walk(link)) if (is(node)) return true;
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
    for (const node of this.walk(link))
      for (const name of names) {
        const text = textOf(node.inputs, name);
        if (text) this.used.add(node);
        if (text) return text;
      }
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
    const node = depth < DEPTH_MAX ? this.at(link) : undefined;
    if (!node || /ZeroOut/.test(node.kind)) return "";
    const slot = Array.isArray(link) ? Number(link[1]) : 0;
    const both = "positive" in node.inputs && "negative" in node.inputs;
    const itsSide = both ? (slot === 1 ? "negative" : "positive") : side;
    this.used.add(node);
    return this.#once(`${node.id} ${itsSide}`, () => {
      if (both) return this.text(own(node.inputs, itsSide), itsSide, depth + 1);
      const entries = Object.entries(node.inputs);
      const joined = entries.filter(([name]) => CONDITIONING.test(name));
      // The one that another is added to stands first.
      joined.sort(([a], [b]) => Number(/_to$/.test(b)) - Number(/_to$/.test(a)));
      if (joined.length)
        return this.#joined(joined, between(node), (to) => this.text(to, side, depth + 1));
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
    const node = depth < DEPTH_MAX ? this.at(value) : undefined;
    if (!node) return "";
    this.used.add(node);
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
}

/** What stands between the texts that a node joins. @param {Node} node */
function between({ kind }) {
  if (/Concat/.test(kind)) return ` ${BREAK} `;
  return /Combine/.test(kind) ? ` ${AND} ` : ", ";
}
