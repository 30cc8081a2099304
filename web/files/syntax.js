// What prompts of other programs say beside words: added networks, prompts that change on the way,
// weights in braces. What this program cannot do is taken out of the prompt and named. Every
// pattern goes through a text once.

import { importText } from "../strings/imports.js";

/** @typedef {{ text: string, lost: string[] }} Read */

/**
 * AUTOMATIC1111's. A prompt that changes on the way is read as what it begins with.
 * @param {string} prompt
 * @returns {Read}
 */
export function readWebUi(prompt) {
  /** @type {string[]} */
  const lost = [];
  let text = prompt.replace(
    /<(lora|lyco|hypernet):([^<>:]+)(:[^<>]*)?>/gi,
    (_, kind, name, weight = "") => {
      lost.push(importText.network(kind.toLowerCase(), name, weight.slice(1)));
      return "";
    },
  );
  text = text.replace(
    /(\\?)\[([^[\]:|()\\]*):(?:([^[\]:|()\\]*):)?([\d.]+)\]/g,
    (all, escaped, first, second, _) => {
      if (escaped) return all;
      lost.push(importText.editing(all));
      // [to:when] begins with nothing; [from::when] ends with it.
      return second === undefined ? "" : first;
    },
  );
  text = text.replace(/(\\?)\[([^[\]:|\\]*)\|[^[\]:\\]*\]/g, (all, escaped, first) => {
    if (escaped) return all;
    lost.push(importText.editing(all));
    return first;
  });
  if (/\bAND\b/.test(text)) {
    lost.push(importText.and());
    text = text
      .split(/\bAND\b/)
      .map((part) => part.trim())
      .join(", ");
  }
  if (lost.length) text = text.replace(/ {2,}/g, " ").trim();
  return { text, lost };
}

/**
 * ComfyUI's: only round brackets are weights.
 * @param {string} prompt
 * @returns {Read}
 */
export function readComfyUi(prompt) {
  const text = prompt.replace(/\\[^]|[[\]]/g, (all) => (all.length > 1 ? all : `\\${all}`));
  /** @type {string[]} */
  const lost = [];
  const plain = text.replace(/\bembedding:[^\s,)]+/gi, (all) => {
    lost.push(importText.embedding(all.slice("embedding:".length)));
    return "";
  });
  return { text: plain, lost };
}

/** NovelAI's weight of one brace, and of one square bracket. */
const [BRACE, BRACKET] = ["1.05", "0.952"];

/**
 * NovelAI's `{strong}` and `[weak]`, as weights in round brackets, which are letters there.
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
