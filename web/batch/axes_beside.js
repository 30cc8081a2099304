// Axes beside the fields of a request: the order of a prompt's parts, styles, and the numbers of
// the form's LoRAs and ControlNets.

import { readControls, writeControls } from "../files/control_choices.js";
import { readLoras, writeLoras } from "../files/loras.js";
import { applyStyle, keptStyles } from "../request/styles.js";
import { batchText as text } from "../strings/batch.js";
import { VALUES_MAX, readNumbers, splitValues } from "./values.js";

/** @typedef {import("../files/table.js").Row} Row */

/**
 * What an axis can change. `names`: values to choose from, the others are typed.
 * @typedef {object} AxisKind
 * @property {string} id
 * @property {string} label
 * @property {string} hint how values are typed; empty where they are chosen
 * @property {string[]} [names]
 * @property {(typed: string, fields: Row) => string[]} read the values of a typed text
 * @property {(fields: Row, value: string, values: string[]) => Row} apply
 * @property {(value: string) => string} show a value
 */

/**
 * All of them, for the form as it is.
 * @param {Row} fields
 * @returns {AxisKind[]}
 */
export function kindsBeside(fields) {
  const styles = keptStyles();
  return [
    ordering(),
    ...(styles.length ? [ofStyles(styles)] : []),
    ...readLoras(fields["loras"] ?? "").map(({ name }, at) => ofLora(name, at)),
    ...readControls(fields["controls"] ?? "").flatMap(({ name }, at) => ofControl(name, at)),
  ];
}

/**
 * Each order of some parts of the prompt, as AUTOMATIC1111's axis "Prompt order": they change
 * places, what is between them stays. A value is the JSON of the parts in their order.
 * @returns {AxisKind}
 */
const ordering = () => ({
  id: "order",
  label: text.promptOrder(),
  hint: text.hintOrder(),
  read(typed, { prompt = "" }) {
    const parts = splitValues(typed);
    const own = [...new Set(parts.length ? parts : partsOf(prompt))];
    placesOf(own, prompt);
    return ordersOf(own).map((order) => JSON.stringify(order));
  },
  apply(fields, value) {
    /** @type {string[]} */
    const order = JSON.parse(value);
    const { prompt = "" } = fields;
    let made = "";
    let end = 0;
    for (const [i, [at, length]] of placesOf(order, prompt).entries()) {
      made += prompt.slice(end, at) + (order[i] ?? "");
      end = at + length;
    }
    return { ...fields, prompt: made + prompt.slice(end) };
  },
  show: (value) => JSON.parse(value).join(", "),
});

/**
 * The parts of a prompt between its commas; those inside brackets separate nothing.
 * @param {string} prompt
 */
function partsOf(prompt) {
  const parts = [""];
  let depth = 0;
  for (const [sign] of prompt.matchAll(/\\[^]|[^]/g)) {
    if ("([{<".includes(sign)) depth += 1;
    if (")]}>".includes(sign)) depth = Math.max(0, depth - 1);
    if (sign === "," && !depth) parts.push("");
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim()).filter(Boolean);
}

/**
 * Where parts stand in a prompt, from left to right: each for itself, the longest first.
 * @param {string[]} parts
 * @param {string} prompt
 * @returns {[at: number, length: number][]}
 * @throws {Error} with the part that is not there
 */
function placesOf(parts, prompt) {
  /** @type {[number, number][]} */
  const places = [];
  const taken = (/** @type {number} */ at, /** @type {number} */ length) =>
    places.find(([from, size]) => at < from + size && from < at + length);
  for (const part of parts.toSorted((a, b) => b.length - a.length)) {
    let at = prompt.indexOf(part);
    for (let other = taken(at, part.length); at >= 0 && other; other = taken(at, part.length))
      at = prompt.indexOf(part, other[0] + other[1]);
    if (at < 0 || !part) throw new Error(text.notInOrder(part));
    places.push([at, part.length]);
  }
  return places.sort(([a], [b]) => a - b);
}

/**
 * All orders of some parts, as they are first.
 * @param {string[]} parts
 * @returns {string[][]}
 * @throws {Error} if there are too many
 */
function ordersOf(parts) {
  let count = 1;
  for (let i = 2; i <= parts.length; i++) count *= i;
  if (count > VALUES_MAX) throw new Error(text.tooManyOrders(parts.length));
  /** @type {(own: string[]) => string[][]} */
  const orders = (own) =>
    own.length < 2
      ? [own]
      : own.flatMap((first, at) => orders(own.toSpliced(at, 1)).map((rest) => [first, ...rest]));
  return parts.length ? orders(parts) : [];
}

/**
 * The words of a style, beside those of the form's own.
 * @param {import("../request/styles.js").Style[]} styles
 * @returns {AxisKind}
 */
const ofStyles = (styles) => ({
  id: "style",
  label: text.style(),
  hint: "",
  names: ["", ...styles.map(({ name }) => name)],
  read: splitValues,
  apply(fields, value) {
    const style = styles.find(({ name }) => name === value);
    const [prompt = "", negative_prompt = ""] = applyStyle(
      style,
      fields["prompt"] ?? "",
      fields["negative_prompt"] ?? "",
    );
    return { ...fields, prompt, negative_prompt };
  },
  show: (value) => value || text.none(),
});

/** @param {string} name @param {number} at its place among the LoRAs @returns {AxisKind} */
const ofLora = (name, at) => ({
  id: `lora ${at}`,
  label: text.loraWeight(name),
  hint: text.hintNumbers(),
  read: (typed) => readNumbers(typed),
  apply(fields, value) {
    const weight = Number(value);
    const loras = readLoras(fields["loras"] ?? "").map((one, i) =>
      i === at ? { ...one, weight, textWeight: weight } : one,
    );
    return { ...fields, loras: writeLoras(loras) };
  },
  show: (value) => value,
});

/**
 * Weight, first and last step of a ControlNet or T2I-Adapter.
 * @param {string} name
 * @param {number} at its place among them
 * @returns {AxisKind[]}
 */
const ofControl = (name, at) =>
  /** @type {const} */ (["weight", "start", "end"]).map((which) => {
    const label = text.control[which](name);
    return {
      ...{ id: `control ${at} ${which}`, label, hint: text.hintNumbers() },
      read: (/** @type {string} */ typed) => {
        const numbers = readNumbers(typed);
        // A weight may be any number.
        const wrong = numbers.find((one) => Number(one) < 0 || Number(one) > 1);
        if (which !== "weight" && wrong !== undefined)
          throw new Error(text.outside(label, wrong, 0, 1));
        return numbers;
      },
      apply(/** @type {Row} */ fields, /** @type {string} */ value) {
        const controls = readControls(fields["controls"] ?? "").map((one, i) =>
          i === at ? { ...one, [which]: value } : one,
        );
        return { ...fields, controls: writeControls(controls) };
      },
      show: (/** @type {string} */ value) => value,
    };
  });
