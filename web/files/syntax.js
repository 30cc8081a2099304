// The syntax of other programs' prompts: added networks, prompt editing, weights in braces. What
// this program cannot do is removed from the prompt and listed as not imported. Each pattern passes
// over a text once.

import { importText } from "../strings/imports.js";

/** @typedef {{ text: string, notImported: string[] }} Read */

/**
 * AUTOMATIC1111's syntax. Tags of LoRAs stay: the engine reads them. Of a prompt that changes
 * during the run, the first version is used.
 * @param {string} prompt
 * @returns {Read}
 */
export function readWebUi(prompt) {
  /** @type {string[]} */
  const notImported = [];
  let text = prompt.replace(/<(hypernet):([^<>:]+)(:[^<>]*)?>/gi, (_, kind, name, weight = "") => {
    notImported.push(importText.network(kind.toLowerCase(), name, weight.slice(1)));
    return "";
  });
  text = text.replace(
    /(\\?)\[([^[\]:|()\\]*):(?:([^[\]:|()\\]*):)?([\d.]+)\]/g,
    (all, escaped, first, second, _) => {
      if (escaped) return all;
      notImported.push(importText.editing(all));
      // [to:when] begins with nothing; [from::when] begins with `from`.
      return second === undefined ? "" : first;
    },
  );
  text = text.replace(/(\\?)\[([^[\]:|\\]*)\|[^[\]:\\]*\]/g, (all, escaped, first) => {
    if (escaped) return all;
    notImported.push(importText.editing(all));
    return first;
  });
  if (/\bAND\b/.test(text)) {
    notImported.push(importText.and());
    text = text
      .split(/\bAND\b/)
      .map((part) => part.trim())
      .join(", ");
  }
  if (notImported.length) text = text.replace(/ {2,}/g, " ").trim();
  return { text, notImported };
}

/**
 * ComfyUI's syntax: only round brackets are weights, and `embedding:name` calls a textual
 * inversion.
 * @param {string} prompt
 * @returns {Read & { embeddings: string[] }}
 */
export function readComfyUi(prompt) {
  const text = prompt.replace(/\\[^]|[[\]]/g, (all) => (all.length > 1 ? all : `\\${all}`));
  /** @type {string[]} */
  const embeddings = [];
  const plain = text.replace(/\bembedding:([^\s,:)]+)/gi, (_, /** @type {string} */ file) => {
    const name = file.replace(/^.*\//, "").replace(/\.(safetensors|pt|bin)$/i, "");
    embeddings.push(name);
    return name;
  });
  return { text: plain, notImported: [], embeddings };
}

/** NovelAI's weights of one pair of braces, and of one pair of square brackets. */
const [BRACE, BRACKET] = ["1.05", "0.952"];

/**
 * NovelAI's `{strong}` and `[weak]`, as weights in round brackets. NovelAI's own round brackets are
 * plain text, so they are escaped.
 * @param {string} prompt
 */
export function readNovelAi(prompt) {
  const plain = prompt.replace(/[()]/g, "\\$&");
  const open = (/** @type {string} */ c) => c === "{" || c === "[";
  let depth = 0;
  for (const c of plain) {
    if (open(c)) depth += 1;
    if (c === "}" || c === "]") depth -= 1;
    if (depth < 0) return plain;
  }
  if (depth) return plain;
  return plain.replace(/[{[]/g, "(").replaceAll("}", `:${BRACE})`).replaceAll("]", `:${BRACKET})`);
}

/**
 * InvokeAI 2 has the negative prompt in brackets inside the prompt.
 * @param {string} prompt
 */
export function readBrackets(prompt) {
  /** @type {string[]} */
  const negative = [];
  // From an opening bracket to the next bracket of any kind.
  const text = prompt.replace(/\s?\[([^[\]]*)\]/g, (_, words) => {
    negative.push(words.trim());
    return "";
  });
  return { prompt: text.trim(), negative_prompt: negative.join(", ") };
}
