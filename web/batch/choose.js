// A template's text with choices at random: for each pair of braces how many are chosen, then
// which, by their weights, none of them twice.

import { batchText as text } from "../strings/batch.js";

/** @typedef {import("./book.js").Linked} Linked */
/** @typedef {import("./book.js").Node} Node */

/** Characters of an expanded text, and choices of one. */
export const TEXT_MAX = 20_000;
const CHOICES_MAX = 20_000;

/**
 * @param {Linked} template
 * @param {() => number} random returns numbers from 0 up to, not including, 1
 * @throws {Error} if the text becomes too long
 */
export function choose(template, random) {
  let choices = 0;
  let made = 0;

  /** @param {Linked} parts @returns {string} */
  const textOf = (parts) =>
    parts
      .map((part) => {
        const own = typeof part === "string" ? part : chosen(part);
        // Texts inside texts count again: no longer than their depth times the whole.
        made += typeof part === "string" ? own.length : 0;
        if (made > TEXT_MAX) throw new Error(text.tooLong(TEXT_MAX));
        return own;
      })
      .join("");

  /** @param {Node} node */
  const chosen = ({ least, most, separator, options }) => {
    if (++choices > CHOICES_MAX) throw new Error(text.tooManyChoices(CHOICES_MAX));
    const [low, high] = [Math.min(least, options.length), Math.min(most, options.length)];
    const count = low + Math.floor(random() * (high - low + 1));
    return drawn(options, count, random)
      .map(({ parts }) => textOf(parts))
      .join(separator);
  };
  return textOf(template);
}

/**
 * Some of the options, in the order in which they are drawn.
 * @template {{ weight: number }} T
 * @param {T[]} options
 * @param {number} count
 * @param {() => number} random
 */
function drawn(options, count, random) {
  const left = count > 1 ? [...options] : options;
  /** @type {T[]} */
  const made = [];
  while (made.length < count) {
    const sum = left.reduce((all, { weight }) => all + weight, 0);
    let mark = random() * sum;
    const found = left.findIndex(({ weight }) => (mark -= weight) < 0);
    // Rounding may leave none: then it is the last one.
    const at = found < 0 ? left.length - 1 : found;
    made.push(/** @type {T} */ (left[at]));
    if (left !== options) left.splice(at, 1);
  }
  return made;
}
