// From fields whose prompts are templates to the fields of single pictures. At random each picture
// has the choices of its own seed, so that the seed and the template give it again; or there is one
// picture for each of all combinations.

import { requestOf } from "../request/fields.js";
import { isChosen, laterSeed, randomSeed } from "../request/seed.js";
import { batchText as text } from "../strings/batch.js";
import { choose } from "./choose.js";
import { TEXTS_MAX, allTexts, countTexts, MANY } from "./combine.js";
import { randomOf } from "./random.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {import("./book.js").Book} Book */
/** @typedef {import("./book.js").Linked} Linked */

/** Fields that are templates. */
const FIELDS = /** @type {const} */ (["prompt", "negative_prompt"]);

/**
 * What a picture was expanded from; only the fields that the expansion has changed.
 * @typedef {{ prompt?: string, negative_prompt?: string }} Template
 *
 * The fields of one picture.
 * @typedef {{ fields: Row, template?: Template }} Expanded
 */

/**
 * The templates of a row, read.
 * @param {Row} row
 * @param {Book} book
 * @returns {Record<(typeof FIELDS)[number], Linked>}
 * @throws {Error} with the field, if one of them cannot be read
 */
function templatesOf(row, book) {
  const [prompt, negative_prompt] = FIELDS.map((field) =>
    ofField(field, () => book.read(row[field] ?? "")),
  );
  return { prompt: prompt ?? [], negative_prompt: negative_prompt ?? [] };
}

/**
 * Does something with a field, and names it in a fault.
 * @template T
 * @param {(typeof FIELDS)[number]} field
 * @param {() => T} act
 */
function ofField(field, act) {
  try {
    return act();
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    // The engine's own fault of too deep a recursion.
    const reason = error instanceof RangeError ? text.listsTooDeep(50) : message;
    const told = field === "prompt" ? reason : text.inNegative(reason);
    throw Object.assign(new Error(told), { kind: "request", field });
  }
}

/**
 * One picture for each that a row asks for, of its seed and of those that follow.
 * @param {Row} row
 * @param {Book} book
 * @returns {Expanded[]}
 * @throws {Error} with the field that is wrong
 */
export function expandRow(row, book) {
  const templates = templatesOf(row, book);
  const { count } = requestOf(row);
  const first = isChosen(row["seed"]) ? row["seed"].trim() : randomSeed();
  return Array.from({ length: count }, (_, i) => {
    const seed = laterSeed(first, i);
    const texts = Object.fromEntries(
      FIELDS.map((field) => [
        field,
        ofField(field, () => choose(templates[field], randomOf(seed, field))),
      ]),
    );
    return expanded(row, { ...texts, seed });
  });
}

/**
 * How many combinations a row has; `MANY` for as many or more.
 * @param {Row} row
 * @param {Book} book
 * @throws {Error} with the field that is wrong
 */
export function countRow(row, book) {
  const templates = templatesOf(row, book);
  const [prompts = 1, negatives = 1] = FIELDS.map((field) =>
    ofField(field, () => countTexts(templates[field])),
  );
  return Math.min(prompts * negatives, MANY);
}

/**
 * One picture for each combination.
 * @param {Row} row
 * @param {Book} book
 * @param {boolean} same whether all have one seed; else each the next
 * @returns {Expanded[]}
 * @throws {Error} with the field that is wrong, or if there are too many
 */
export function combineRow(row, book, same) {
  const count = countRow(row, book);
  if (count > TEXTS_MAX) throw new Error(text.tooManyTexts(count, TEXTS_MAX));
  const templates = templatesOf(row, book);
  const [prompts = [], negatives = []] = FIELDS.map((field) =>
    ofField(field, () => allTexts(templates[field])),
  );
  const first = isChosen(row["seed"]) ? row["seed"].trim() : randomSeed();
  return prompts.flatMap((prompt, i) =>
    negatives.map((negative_prompt, j) => {
      const seed = same ? first : laterSeed(first, i * negatives.length + j);
      return expanded(row, { prompt, negative_prompt, seed });
    }),
  );
}

/** @param {Row} row @param {Row} own fields of the picture alone @returns {Expanded} */
function expanded(row, own) {
  const changed = FIELDS.filter((field) => (row[field] ?? "") !== own[field]);
  const template = Object.fromEntries(changed.map((field) => [field, row[field] ?? ""]));
  const fields = { ...row, ...own, count: "1" };
  return changed.length ? { fields, template } : { fields };
}
