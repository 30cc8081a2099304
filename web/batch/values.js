// Values as one types them for an axis or for seeds: texts between commas, and numbers in the
// ranges of AUTOMATIC1111's X/Y/Z plot:
//
//     1, 2, 5        1-5        1-10 (+2)        10-1 (-3)        0-1 (+0.25)        1-10 [5]
//
// The last one is five numbers, evenly from 1 to 10. A text with a comma stands between quotes.

import { batchText as text } from "../strings/batch.js";

/** The most values of one axis. */
export const VALUES_MAX = 1000;

/**
 * The texts between the commas of a line, without the quotes around them ("" is a quote). Empty
 * ones are left out; "" alone is an empty text.
 * @param {string} typed
 */
export function splitValues(typed) {
  const cells = typed.match(/(?:\s*"(?:[^"]|"")*"\s*(?=,|$)|[^,]*)(?:,|$)/g) ?? [];
  return cells
    .map((cell) => cell.replace(/,$/, "").trim())
    .filter(Boolean)
    .map((cell) => (/^".*"$/s.test(cell) ? cell.slice(1, -1).replaceAll('""', '"') : cell));
}

const SIGNED = /([+-]?\s*\d+(?:\.\d*)?)/.source;
const RANGE = new RegExp(
  `^${SIGNED}\\s*-\\s*${SIGNED}\\s*(?:\\(\\s*${SIGNED}\\s*\\)|\\[\\s*(\\d+)\\s*\\])?$`,
);

/**
 * Numbers, as text.
 * @param {string} typed
 * @param {{ whole?: boolean }} [how] whether they are whole numbers
 * @throws {Error} if a part of it is no number and no range
 */
export function readNumbers(typed, { whole = false } = {}) {
  const made = typed
    .split(",")
    .flatMap((part) => (part.trim() ? numbersOf(part.trim(), whole) : []));
  if (made.length > VALUES_MAX) throw new Error(text.tooManyValues(VALUES_MAX));
  return made;
}

/** @param {string} part @param {boolean} whole @returns {string[]} */
function numbersOf(part, whole) {
  const plain = Number(part);
  if (Number.isFinite(plain) && (!whole || Number.isInteger(plain))) return [String(plain)];
  const [, low = "", high = "", by, count] = RANGE.exec(part) ?? [];
  const [from, to, step] = [low, high, by ?? ""].map((one) => Number(one.replace(/\s/g, "")));
  const ends = [from, to, step];
  if (!low || from === undefined || to === undefined || step === undefined)
    throw new Error(text.notNumbers(part));
  if (whole && !ends.every((one) => Number.isInteger(one))) throw new Error(text.notWhole(part));
  if (count) return spread(from, to, Number(count), whole);
  const stride = by === undefined ? Math.sign(to - from) || 1 : step;
  if (!stride || (to - from) * stride < 0) throw new Error(text.wrongStep(part));
  // A step that does not divide the range evenly may miss its end by rounding alone.
  const steps = Math.floor((to - from) / stride + 1e-9);
  if (steps >= VALUES_MAX) throw new Error(text.tooManyValues(VALUES_MAX));
  return Array.from({ length: steps + 1 }, (_, i) => rounded(from + i * stride));
}

/**
 * So many numbers from one to another.
 * @param {number} from
 * @param {number} to
 * @param {number} count
 * @param {boolean} whole
 */
function spread(from, to, count, whole) {
  if (count > VALUES_MAX) throw new Error(text.tooManyValues(VALUES_MAX));
  const at = (/** @type {number} */ i) => from + ((to - from) * i) / Math.max(count - 1, 1);
  const made = Array.from({ length: count }, (_, i) => (whole ? Math.trunc(at(i)) : at(i)));
  return made.map(rounded);
}

/** Without what is left of arithmetic in twos. @param {number} number */
const rounded = (number) => String(Number(number.toPrecision(12)));

/**
 * Seeds: whole numbers of up to 64 bits and ranges of them, as text.
 * @param {string} typed
 * @param {number} [most]
 * @throws {Error} if a part of it is none, or there are more than `most`
 */
export function readSeeds(typed, most = VALUES_MAX) {
  /** @type {string[]} */
  const made = [];
  for (const part of typed.split(/[,\s]*,[,\s]*|\n/).map((one) => one.trim())) {
    if (!part) continue;
    const [, low = "", high = low, by = "1"] =
      /^(\d{1,20})(?:\s*-\s*(\d{1,20})\s*(?:\(\s*\+?\s*(\d{1,20})\s*\))?)?$/.exec(part) ?? [];
    if (!low) throw new Error(text.notSeeds(part));
    const [from, to, step] = [BigInt(low), BigInt(high), BigInt(by)];
    if (to >= 2n ** 64n) throw new Error(text.notSeeds(part));
    if (step === 0n || to < from) throw new Error(text.wrongStep(part));
    if ((to - from) / step >= BigInt(most - made.length)) throw new Error(text.tooManyValues(most));
    for (let seed = from; seed <= to; seed += step) made.push(String(seed));
  }
  return made;
}
