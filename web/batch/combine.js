// All texts of a template: how many there are, counted before any is made, and the texts. Where
// several are chosen, each order counts: {2$$a|b} is "a, b" and "b, a". Weights do not matter.

import { batchText as text } from "../strings/batch.js";
import { TEXT_MAX } from "./choose.js";

/** @typedef {import("./book.js").Linked} Linked */
/** @typedef {import("./book.js").Node} Node */

/** The most texts that are made of one template, and the most characters of all of them. */
export const TEXTS_MAX = 10_000;
const CHARACTERS_MAX = 20_000_000;

/** What counts reach at most: it stands for itself and for more. */
export const MANY = Number.MAX_SAFE_INTEGER;
const bounded = (/** @type {number} */ count) => Math.min(count, MANY);

/** From so many picks of as many options on, their orders alone are more than `MANY`. */
const PICKS_MANY = 25;

/**
 * How many texts a template has; `MANY` if there are as many or more.
 * @param {Linked} template
 */
export function countTexts(template) {
  return createCounter()(template);
}

/** What is the same wherever one line of a list is chosen. @param {Node} node */
const keyOf = (node) => (node.least === 1 && node.most === 1 ? node.options : node);

/** A function that counts, and looks at each list once. */
function createCounter() {
  /** @type {WeakMap<object, number>} by `keyOf` */
  const known = new WeakMap();

  /** @param {Linked} parts @returns {number} */
  const ofParts = (parts) =>
    parts.reduce((all, part) => (typeof part === "string" ? all : bounded(all * ofNode(part))), 1);

  /** @param {Node} node */
  const ofNode = (node) => {
    const before = known.get(keyOf(node));
    if (before !== undefined) return before;
    const count = picks(node);
    known.set(keyOf(node), count);
    return count;
  };

  /** @param {Node} node */
  const picks = ({ least, most, options }) => {
    const counts = options.map(({ parts }) => ofParts(parts));
    const [low, high] = [least, most].map((one) => Math.min(one, options.length));
    if ((high ?? 0) >= PICKS_MANY) return MANY;
    return sumOfPicks(counts, low ?? 0, high ?? 0);
  };
  return ofParts;
}

/**
 * How many texts there are of `low` to `high` different options in any order, if each has so many:
 * the sum of k! · e_k, where e_k is the elementary symmetric polynomial of the counts.
 * @param {number[]} counts
 * @param {number} low
 * @param {number} high
 */
function sumOfPicks(counts, low, high) {
  const sums = [1, ...Array.from({ length: high }, () => 0)];
  for (const count of counts)
    for (let k = high; k > 0; k--) sums[k] = bounded((sums[k] ?? 0) + count * (sums[k - 1] ?? 0));
  let [all, orders] = [0, 1];
  for (let k = 0; k <= high; k++) {
    orders = bounded(orders * Math.max(k, 1));
    if (k >= low) all = bounded(all + orders * (sums[k] ?? 0));
  }
  return all;
}

/**
 * All texts of a template, in their order.
 * @param {Linked} template
 * @param {number} [most]
 * @returns {string[]}
 * @throws {Error} if there are more than `most`, or they are too long
 */
export function allTexts(template, most = TEXTS_MAX) {
  const count = countTexts(template);
  if (count > most) throw new Error(text.tooManyTexts(count, most));
  /** @type {WeakMap<object, string[]>} by `keyOf` */
  const known = new WeakMap();
  let characters = 0;

  const checked = (/** @type {string} */ made) => {
    characters += made.length;
    if (made.length > TEXT_MAX) throw new Error(text.tooLong(TEXT_MAX));
    if (characters > CHARACTERS_MAX) throw new Error(text.tooMuchText());
    return made;
  };

  /** @param {Linked} parts @returns {string[]} */
  const ofParts = (parts) =>
    parts.reduce(
      (/** @type {string[]} */ all, part) => {
        const next = typeof part === "string" ? [part] : ofNode(part);
        return all.flatMap((before) => next.map((after) => checked(before + after)));
      },
      [""],
    );

  /** @param {Node} node */
  const ofNode = (node) => {
    const { least, most: highest, separator, options } = node;
    const before = known.get(keyOf(node));
    if (before) return before;
    const texts = options.map(({ parts }) => ofParts(parts));
    /** @type {string[]} */
    const made = [];
    for (let k = Math.min(least, options.length); k <= Math.min(highest, options.length); k++)
      made.push(...ordersOf(texts, k, separator, checked));
    known.set(keyOf(node), made);
    return made;
  };
  return ofParts(template);
}

/**
 * The texts of `count` different options, in every order.
 * @param {string[][]} texts of each option
 * @param {number} count
 * @param {string} separator
 * @param {(text: string) => string} checked
 * @returns {string[]}
 */
function ordersOf(texts, count, separator, checked) {
  if (count === 0) return [""];
  /** @type {Set<number>} */
  const used = new Set();
  /** @param {string} before @param {number} left @returns {string[]} */
  const more = (before, left) =>
    texts.flatMap((own, at) => {
      if (used.has(at)) return [];
      used.add(at);
      const made = own.flatMap((one) => {
        const joined = checked(left === count ? one : before + separator + one);
        return left === 1 ? [joined] : more(joined, left - 1);
      });
      used.delete(at);
      return made;
    });
  return more("", count);
}
