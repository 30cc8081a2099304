// From axes to a grid: the fields of each cell, and what its rows and columns are called.

import { isChosen, randomSeed } from "../request/seed.js";
import { batchText as text } from "../strings/batch.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {import("./axes.js").Axis} Axis */

/** The most pictures of one grid. */
export const CELLS_MAX = 1000;

/**
 * What an axis is called, and its values.
 * @typedef {{ label: string, values: string[] }} Scale
 *
 * The scales are those of x, y and z; one that is not used has one value without a name. Cells come
 * row by row: x changes first, z last.
 * @typedef {{ scales: [Scale, Scale, Scale], cells: Row[] }} Grid
 */

const NONE = { label: "", values: [""] };

/**
 * All cells have the seed of the form, or one random seed, unless an axis has seeds.
 * @param {Row} fields
 * @param {Axis[]} axes up to three
 * @returns {Grid}
 * @throws {Error} if an axis has no values, or there are too many cells
 */
export function gridOf(fields, axes) {
  for (const { kind, values } of axes)
    if (!values.length) throw new Error(text.noValues(kind.label));
  const ids = axes.map(({ kind }) => kind.id);
  const twice = axes.find(({ kind }, i) => kind.id !== "replace" && ids.indexOf(kind.id) < i);
  if (twice) throw new Error(text.twice(twice.kind.label));
  const count = axes.reduce((all, { values }) => all * values.length, 1);
  if (count > CELLS_MAX) throw new Error(text.tooManyCells(count, CELLS_MAX));
  const seed = isChosen(fields["seed"]) ? fields["seed"].trim() : randomSeed();
  const cells = valuesOfCells(axes).map((chosen) => {
    const turns = axes.map((axis, i) => ({ ...axis, value: chosen[i] ?? "" })).reverse();
    // Its parts are those of the prompt as it was typed.
    turns.sort((a, b) => Number(b.kind.id === "order") - Number(a.kind.id === "order"));
    return turns.reduce(
      (/** @type {Row} */ row, { kind, value, values }) => kind.apply(row, value, values),
      { ...fields, seed, count: "1" },
    );
  });
  const [x = NONE, y = NONE, z = NONE] = axes.map(({ kind, values }) => {
    return { label: kind.label, values: values.map(kind.show) };
  });
  return { scales: [x, y, z], cells };
}

/**
 * The values of each cell, one of each axis; those of the first axis change from cell to cell.
 * @param {Axis[]} axes
 */
function valuesOfCells(axes) {
  return axes.reduceRight(
    (/** @type {string[][]} */ all, { values }) =>
      all.flatMap((rest) => values.map((value) => [value, ...rest])),
    [[]],
  );
}

/**
 * The parts of a prompt matrix: what stands between its bars, braces and escaped bars left alone.
 * @param {string} prompt
 */
export function matrixParts(prompt) {
  /** @type {string[]} */
  const parts = [""];
  let depth = 0;
  for (const [sign] of prompt.matchAll(/\\[^]|[^]/g)) {
    if (sign === "{") depth += 1;
    if (sign === "}") depth -= 1;
    if (sign === "|" && depth <= 0) parts.push("");
    else parts[parts.length - 1] += sign === "\\|" && depth <= 0 ? "|" : sign;
  }
  const [always = "", ...others] = parts.map((part) => part.trim());
  return { always, parts: others.filter(Boolean) };
}

/** A prompt matrix has no more optional parts: 2⁹ pictures. */
const PARTS_MAX = 9;

/**
 * A prompt with each choice of its optional parts: one half of them from left to right, the other
 * from top to bottom.
 * @param {Row} fields
 * @param {string} prompt
 * @param {object} how
 * @param {string} how.separator between the parts
 * @param {boolean} how.before whether the parts stand before what is always there
 * @returns {Grid}
 * @throws {Error} if there is no optional part, or too many
 */
export function matrixOf(fields, prompt, { separator, before }) {
  const { always, parts } = matrixParts(prompt);
  if (!parts.length) throw new Error(text.noParts());
  if (parts.length > PARTS_MAX) throw new Error(text.tooManyParts(parts.length, PARTS_MAX));
  const half = Math.ceil(parts.length / 2);
  const [columns, rows] = [choicesOf(parts.slice(0, half)), choicesOf(parts.slice(half))];
  const seed = isChosen(fields["seed"]) ? fields["seed"].trim() : randomSeed();
  const cells = rows.flatMap((low) =>
    columns.map((high) => {
      const chosen = [...high, ...low];
      const words = before ? [...chosen, always] : [always, ...chosen];
      return { ...fields, prompt: words.filter(Boolean).join(separator), seed, count: "1" };
    }),
  );
  const scale = (/** @type {string[][]} */ choices) => {
    const values = choices.map((chosen) => chosen.join(separator) || text.nothing());
    return choices.length > 1 ? { label: text.parts(), values } : NONE;
  };
  return { scales: [scale(columns), scale(rows), NONE], cells };
}

/** Each choice of some of the parts, none first. @param {string[]} parts */
const choicesOf = (parts) =>
  Array.from({ length: 2 ** parts.length }, (_, bits) =>
    parts.filter((_part, i) => (bits >> i) & 1),
  );
