// Weights in a prompt by keys, as in AUTOMATIC1111's web UI: (words:1.1) for what is selected or
// for the word at the caret; a weight of 1 has no brackets. The weight of a tag <lora:name:0.8>
// too.

/** What one press of a key changes. */
const STEP = 0.1;
/** What round brackets without a number stand for. */
const PLAIN = 1.1;

/** Characters that end a word; a backslash before a bracket makes it a letter. */
const ENDS = /[\s.,;:!?"()[\]{}<>|/\\]/;

/**
 * A change of a text: `text` stands in place of the part `from … to`; then `selected` is selected.
 * @typedef {{ from: number, to: number, text: string, selected: [number, number] }} Change
 */

/** A weight as text. @param {number} weight */
const number = (weight) => String(Number(Math.max(0, weight).toFixed(2)));

/**
 * The change of a weight; null if there is nothing to weigh.
 * @param {string} text
 * @param {number} start of the selection
 * @param {number} end
 * @param {number} by how many presses: 1 or −1
 * @returns {Change | null}
 */
export function weigh(text, start, end, by) {
  const tag = tagAt(text, start, end);
  if (tag) {
    const [from, to] = [tag.at, tag.at + tag.weight.length];
    const weight = String(Number((Number(tag.weight) + by * STEP).toFixed(2)));
    // The caret stays in the tag.
    const caret = Math.min(start, from + weight.length);
    return { from, to, text: weight, selected: [caret, caret] };
  }
  const group = groupAt(text, start, end);
  if (group) {
    const weight = number(group.weight + by * STEP);
    const { from, to, words } = group;
    const changed = weight === "1" ? words : `(${words}:${weight})`;
    const first = from + (weight === "1" ? 0 : 1);
    return { from, to, text: changed, selected: [first, first + words.length] };
  }
  const [from, to] = start === end ? wordAt(text, start) : trimmed(text, start, end);
  const words = text.slice(from, to);
  if (!words) return null;
  const changed = `(${words}:${number(1 + by * STEP)})`;
  return { from, to, text: changed, selected: [from + 1, from + 1 + words.length] };
}

/**
 * Whether a text has weights, or tags of LoRAs, that are read only with the web UI's syntax.
 * @param {string} text
 */
export const hasWeights = (text) =>
  /\([^()]*:\s*\d*\.?\d+\s*\)|<lora:[^<>:]+(:[^<>]*)?>/.test(text);

/**
 * The tag of a LoRA around a selection: where its weight is.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function tagAt(text, start, end) {
  for (const tag of text.matchAll(/<(?:lora|lyco):[^<>:]+:(-?\d*\.?\d+)[^<>]*>/g)) {
    const weight = tag[1] ?? "";
    const at = tag.index + tag[0].indexOf(`:${weight}`, tag[0].indexOf(":") + 1) + 1;
    if (start > tag.index && end < tag.index + tag[0].length) return { at, weight };
  }
  return null;
}

/**
 * The innermost round brackets around a selection; of a selection of words, only those that have
 * nothing else in them.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function groupAt(text, start, end) {
  const own = start < end && isBracket(text, start, "(") && closing(text, start + 1) === end;
  const from = own ? start : opening(text, start);
  const to = own ? end : closing(text, Math.max(end, from + 1));
  if (from < 0 || to < 0) return null;
  const inner = text.slice(from + 1, to - 1);
  const [, words = inner, weight = ""] = /^(.*?):\s*(\d*\.?\d+)\s*$/s.exec(inner) ?? [];
  const [first, last] = trimmed(text, start, end);
  const whole = own || start === end || (first === from + 1 && last === from + 1 + words.length);
  return whole ? { from, to, words, weight: weight ? Number(weight) : PLAIN } : null;
}

/** @param {string} text @param {number} at @param {string} bracket */
const isBracket = (text, at, bracket) => text[at] === bracket && text[at - 1] !== "\\";

/** Where the bracket is that opens around a place; −1 if there is none. */
function opening(/** @type {string} */ text, /** @type {number} */ place) {
  let depth = 0;
  for (let at = place - 1; at >= 0; at--) {
    if (isBracket(text, at, ")")) depth += 1;
    else if (isBracket(text, at, "(") && depth-- === 0) return at;
  }
  return -1;
}

/** Behind the bracket that closes around a place; −1 if there is none. */
function closing(/** @type {string} */ text, /** @type {number} */ place) {
  let depth = 0;
  for (let at = place; at < text.length; at++) {
    if (isBracket(text, at, "(")) depth += 1;
    else if (isBracket(text, at, ")") && depth-- === 0) return at + 1;
  }
  return -1;
}

/** The word at a caret. @param {string} text @param {number} caret @returns {[number, number]} */
function wordAt(text, caret) {
  let [from, to] = [caret, caret];
  while (from > 0 && !ENDS.test(text[from - 1] ?? "")) from -= 1;
  while (to < text.length && !ENDS.test(text[to] ?? "")) to += 1;
  return [from, to];
}

/** A selection without the spaces and commas at its ends. @returns {[number, number]} */
function trimmed(
  /** @type {string} */ text,
  /** @type {number} */ start,
  /** @type {number} */ end,
) {
  const words = text.slice(start, end);
  const [before = ""] = /^[\s,]*/.exec(words) ?? [];
  const [after = ""] = /[\s,]*$/.exec(words.slice(before.length)) ?? [];
  return [start + before.length, end - after.length];
}
