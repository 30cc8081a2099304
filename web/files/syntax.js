// The syntax of other programs' prompts: added networks, weights in braces. What this program
// cannot do is removed from the prompt and listed as not imported. Each pattern passes over a text
// once.

import { lossText } from "../strings/losses.js";

/** @typedef {{ text: string, notImported: string[] }} Read */

/**
 * The field that has prompts read in AUTOMATIC1111's syntax.
 * @returns {[string, string]}
 */
export const webUiSyntax = () => ["prompt_syntax", "a1111"];

/**
 * AUTOMATIC1111's syntax, which the engine reads, tags of LoRAs too. Only hypernetworks are not
 * here.
 * @param {string} prompt
 * @returns {Read}
 */
export function readWebUi(prompt) {
  /** @type {string[]} */
  const notImported = [];
  const text = prompt.replace(
    /<(hypernet):([^<>:]+)(:[^<>]*)?>/gi,
    (_, kind, name, weight = "") => {
      notImported.push(lossText.network(kind.toLowerCase(), name, weight.slice(1)));
      return "";
    },
  );
  return { text: notImported.length ? tidy(text) : text, notImported };
}

/** Without the spaces around what was taken out. @param {string} text */
const tidy = (text) => text.replace(/ {2,}/g, " ").trim();

/**
 * Words that AUTOMATIC1111's syntax gives a meaning, in small letters: the tokenizer makes no
 * difference.
 * @param {string} text
 */
export const plainWords = (text) =>
  text.replace(/\b(?:AND|BREAK)\b/g, (word) => word.toLowerCase());

/** Whether a text has round brackets that are not escaped. @param {string} text */
export const hasWeights = (text) => /\(/.test(text.replace(/(?:\\[^])+/g, ""));

/**
 * ComfyUI's syntax: only round brackets are weights, and `embedding:name` calls a textual
 * inversion.
 * @param {string} prompt
 * @returns {Read & { embeddings: string[] }}
 */
export function readComfyUi(prompt) {
  const text = withPlainBrackets(plainWords(prompt));
  /** @type {string[]} */
  const embeddings = [];
  const plain = text.replace(/\bembedding:([^\s,:)]+)/gi, (_, /** @type {string} */ file) => {
    const name = file.replace(/^.*\//, "").replace(/\.(safetensors|pt|bin)$/i, "");
    embeddings.push(name);
    return name;
  });
  return { text: plain, notImported: [], embeddings };
}

/** Square brackets, which have no meaning there, are escaped. @param {string} text */
export const withPlainBrackets = (text) =>
  text.replace(/(?:\\[^])+|[[\]]+/g, (all) =>
    all.startsWith("\\") ? all : all.replace(/[[\]]/g, "\\$&"),
  );

/** NovelAI's weights of one pair of braces, and of one pair of square brackets. */
const [BRACE, BRACKET] = ["1.05", "0.952"];

/**
 * NovelAI's `{strong}`, `[weak]` and `1.5::strong::`, as weights in round brackets. NovelAI's own
 * round brackets are plain text, so they are escaped.
 * @param {string} prompt
 */
export function readNovelAi(prompt) {
  const plain = plainWords(prompt).replace(/[()]/g, "\\$&");
  const numbered = plain.replace(
    /(?<![\w.])(-?\d+(?:\.\d+)?)::([^]*?)(?:::|$)/g,
    (_, weight, words) => `(${words.trim()}:${weight})`,
  );
  const open = (/** @type {string} */ c) => c === "{" || c === "[";
  let depth = 0;
  for (const c of numbered) {
    if (open(c)) depth += 1;
    if (c === "}" || c === "]") depth -= 1;
    if (depth < 0) return numbered;
  }
  if (depth) return numbered;
  const opened = numbered.replace(/[{[]/g, "(");
  return opened.replaceAll("}", `:${BRACE})`).replaceAll("]", `:${BRACKET})`);
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
