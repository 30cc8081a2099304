// The axes of a grid: each changes one field of the request, or searches a text of the prompts and
// replaces it, or changes something beside them (axes_beside.js), or the model (choices.js).

import { FIELDS } from "../engine/fields.js";
import { isOfStartImage } from "../request/defaults.js";
import { SAMPLERS } from "../strings.js";
import { batchText as text } from "../strings/batch.js";
import { kindsBeside } from "./axes_beside.js";
import { NO_MODELS, kindsOfModels } from "./choices.js";
import { readNumbers, readSeeds, splitValues } from "./values.js";

/** @typedef {import("../files/table.js").Row} Row */

/** @typedef {import("./axes_beside.js").AxisKind} AxisKind */

/**
 * An axis with its values.
 * @typedef {{ kind: AxisKind, values: string[] }} Axis
 */

/** Fields that are no axis: each cell is one picture, and prompts are searched and replaced. */
const OTHERS = ["count", "prompt", "negative_prompt"];

/** The names of fields that share a name in the text of a PNG. */
const LABELS = new Map([
  ["width", "Width"],
  ["height", "Height"],
]);

/**
 * All that can be an axis, for the form as it is.
 * @param {Row} fields
 * @param {string[]} samplers the model's
 * @param {import("./choices.js").Models} [models] that can be chosen
 * @returns {AxisKind[]}
 */
export function axisKinds(fields, samplers, models = NO_MODELS) {
  const own = [...FIELDS].filter(
    ([name]) => !OTHERS.includes(name) && (fields["initial"] || !isOfStartImage(name)),
  );
  return [
    ...own.map(([name, field]) => ofField(name, field, samplers)),
    replacing(),
    ...kindsBeside(fields),
    ...kindsOfModels(models),
  ];
}

/**
 * @param {string} name
 * @param {import("../engine/fields.js").Field} field
 * @param {string[]} samplers
 * @returns {AxisKind}
 */
function ofField(name, field, samplers) {
  const label = LABELS.get(name) ?? field.text ?? name;
  const names = namesOf(field, samplers);
  const show = (/** @type {string} */ value) =>
    field.kind === "sampler" ? (SAMPLERS.get(value) ?? value) : value || text.asModel();
  const apply = (/** @type {Row} */ fields, /** @type {string} */ value) => {
    return { ...fields, [name]: value };
  };
  const shared = { id: name, label, apply, show };
  if (names) return { ...shared, hint: "", names, read: splitValues };
  if (field.kind === "seed")
    return { ...shared, hint: text.hintSeeds(), read: (t) => readSeeds(t) };
  const whole = ["whole", "layer", "side"].includes(field.kind);
  if (!whole && field.kind !== "number")
    return { ...shared, hint: text.hintTexts(), read: splitValues };
  const read = (/** @type {string} */ typed) => {
    const numbers = readNumbers(typed, { whole });
    const { least = -Infinity, most = Infinity } = field;
    const wrong = numbers.find((one) => Number(one) < least || Number(one) > most);
    if (wrong !== undefined) throw new Error(text.outside(label, wrong, field.least, field.most));
    return numbers;
  };
  return { ...shared, hint: whole ? text.hintWhole() : text.hintNumbers(), read };
}

/** @param {import("../engine/fields.js").Field} field @param {string[]} samplers */
function namesOf({ kind, names, optional }, samplers) {
  if (kind === "sampler") return samplers;
  const own = kind === "flag" ? ["true", "false"] : names;
  return own && (optional ? ["", ...own] : [...own]);
}

/**
 * Searches the first value in both prompts, and puts the others in its place.
 * @returns {AxisKind}
 */
const replacing = () => ({
  id: "replace",
  label: text.replace(),
  hint: text.hintReplace(),
  read(typed, { prompt = "", negative_prompt = "" }) {
    const values = splitValues(typed);
    const [first] = values;
    if (first === "") throw new Error(text.noFirst());
    if (first && ![prompt, negative_prompt].some((one) => one.includes(first)))
      throw new Error(text.notInPrompt(first));
    return values;
  },
  apply(fields, value, [first = ""]) {
    const put = (/** @type {string | undefined} */ own) =>
      (own ?? "").replaceAll(first, () => value);
    const { prompt, negative_prompt } = fields;
    return { ...fields, prompt: put(prompt), negative_prompt: put(negative_prompt) };
  },
  show: (value) => value || text.nothing(),
});
