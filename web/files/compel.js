// InvokeAI's prompt syntax, which is compel's: `word++`, `(some words)1.3`, `(some words)-`,
// `("a", "b").and()`, `.blend()`, `.swap()`. Weights become AUTOMATIC1111's; what has no equal is
// left out and listed. It passes over a text once.

import { lossText } from "../strings/losses.js";
import { hasWeights, plainWords, withPlainBrackets } from "./syntax.js";

/** @typedef {import("./syntax.js").Read} Read */

/** What one + and one − after words stand for. */
const [PLUS, MINUS] = [1.1, 0.9];

/** All of a prompt: texts in quotes, and what is made of them. */
const JOINED = /^\s*\(\s*("[^]*")\s*\)\s*\.(and|blend)\(([^()]*)\)\s*$/;
const QUOTED = /"(?:[^"\\]|\\[^])*"/g;
/** The most texts that are joined, and the most characters in which weights are looked for. */
const [PARTS_MAX, PROMPT_MAX] = [100, 20_000];

/**
 * @param {string} prompt
 * @param {string} [program] that applies its weights
 * @returns {Read}
 */
export function readCompel(prompt, program = "InvokeAI") {
  const isJoined = prompt.length <= PROMPT_MAX && /\)\s*\.(and|blend)\(/.test(prompt);
  const [, list = "", kind = "", weights = ""] = (isJoined && JOINED.exec(prompt)) || [];
  const quoted = list.match(QUOTED) ?? [];
  if (!kind || quoted.length > PARTS_MAX) return readOne(prompt, program);
  const parts = quoted.map((text) => readOne(text.slice(1, -1), program));
  // Texts whose contexts follow one another are BREAK.
  const isBreak = kind === "and" && !weights.trim();
  return {
    text: parts.map(({ text }) => text).join(isBreak ? " BREAK " : ", "),
    notImported: [
      ...new Set(parts.flatMap(({ notImported }) => notImported)),
      ...(isBreak ? [] : [lossText.syntax(`.${kind}(${weights.trim()})`)]),
    ],
  };
}

/** Escaped letters, brackets with their weight, words, and what is between them. */
const TOKENS = /(?:\\[^])+|\(|\)(?:\++|-+|\d*\.?\d+)?|[^\s()\\,]+|[\s,]+|\\/g;

/** @param {string} prompt @param {string} program @returns {Read} */
function readOne(prompt, program) {
  /** @type {string[]} */
  const notImported = [];
  if (prompt.length > PROMPT_MAX)
    return { text: withPlainBrackets(prompt).replace(/[()]/g, "\\$&"), notImported };
  const plain = withPlainBrackets(plainWords(prompt)).replace(/\.swap\([^()]*\)/g, (all) => {
    notImported.push(lossText.syntax(all));
    return "";
  });
  /** The pieces of the text, and the places of the brackets that are open. */
  const [pieces, open] = /** @type {[string[], number[]]} */ ([[], []]);
  for (const token of plain.match(TOKENS) ?? []) {
    if (token === "(") open.push(pieces.push("(") - 1);
    else if (!token.startsWith(")")) pieces.push(weighedWord(token));
    else {
      const at = open.pop();
      const weight = weightOf(token.slice(1));
      // Brackets without a weight only group.
      if (at !== undefined && !weight) pieces[at] = "";
      if (at !== undefined) pieces.push(weight && `:${weight})`);
      else pieces.push("\\)", token.slice(1));
    }
  }
  for (const at of open) pieces[at] = "\\(";
  const text = pieces.join("");
  if (hasWeights(text)) notImported.push(lossText.weights(program));
  return { text, notImported };
}

/** A word with its signs. @param {string} token */
function weighedWord(token) {
  const sign = token.at(-1) ?? "";
  let end = token.length;
  if (sign === "+" || sign === "-") while (end && token[end - 1] === sign) end -= 1;
  const weight = end && end < token.length ? weightOf(token.slice(end)) : "";
  return weight ? `(${token.slice(0, end)}:${weight})` : token;
}

/** @param {string} signs or a number */
function weightOf(signs) {
  if (!signs) return "";
  const base = { "+": PLUS, "-": MINUS }[signs[0] ?? ""];
  return base ? String(Number((base ** signs.length).toPrecision(6))) : String(Number(signs));
}
