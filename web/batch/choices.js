// The axes of a grid that change the model: checkpoints, and parts in place of the models' own. A
// cell has them as fields beside those of the request, until the grid is stored: then as a choice,
// the model and how to open it.

import { PARTS } from "../engine/protocol.js";
import { KEPT } from "../options.js";
import { OTHER_PARTS } from "../strings.js";
import { batchText as text } from "../strings/batch.js";
import { splitValues } from "./values.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {import("../state/page.js").Choice} Choice */
/** @typedef {import("./axes_beside.js").AxisKind} AxisKind */

/**
 * Addresses with their names.
 * @typedef {[address: string, name: string][]} Named
 *
 * What can be chosen: models, and parts of each kind.
 * @typedef {{ models: Named, parts: Partial<Record<Part, Named>> }} Models
 * @typedef {(typeof PARTS)[number]} Part
 */

/** No models: what an axis can change before they are listed. @type {Models} */
export const NO_MODELS = { models: [], parts: {} };

/**
 * @param {Models} models
 * @returns {AxisKind[]}
 */
export const kindsOfModels = ({ models, parts }) => [
  ...(models.length ? [ofNamed("model", text.checkpoint(), models)] : []),
  ...PARTS.flatMap((part) => {
    const { [part]: named = [] } = parts;
    const own = /** @type {Named[0]} */ (["", text.ownPart(part)]);
    return named.length ? [ofNamed(part, OTHER_PARTS.get(part) ?? part, [own, ...named])] : [];
  }),
];

/**
 * @param {"model" | Part} id
 * @param {string} label
 * @param {Named} named
 * @returns {AxisKind}
 */
function ofNamed(id, label, named) {
  const names = new Map(unique(named));
  return {
    ...{ id, label, hint: "", names: [...names.keys()], read: splitValues },
    apply: (fields, value) => ({ ...fields, [id]: value }),
    show: (value) => names.get(value) ?? value,
  };
}

/**
 * The same, where those of one name have their address too.
 * @param {Named} named
 * @returns {Named}
 */
function unique(named) {
  const count = (/** @type {string} */ name) => named.filter(([, other]) => other === name).length;
  return named.map(([address, name]) => [address, count(name) > 1 ? `${name} (${address})` : name]);
}

/**
 * A cell without the fields of these axes, and the choice that they make. Without any it has none,
 * and is made with the model that is open then.
 * @template {{ fields: Row }} T
 * @param {T} cell
 * @param {Choice} present the page's: how models are opened on this device, and for this one all
 * @returns {T & { choice?: Choice }}
 */
export function withChoice(cell, present) {
  const { model, ...fields } = cell.fields;
  const own = PARTS.filter((part) => fields[part] !== undefined);
  if (model === undefined && !own.length) return cell;
  const another = model !== undefined && model !== present.model;
  /** @type {Choice["how"]} */
  const how = Object.fromEntries(
    Object.entries(present.how).filter(([name]) => !another || KEPT.includes(name)),
  );
  for (const part of own) {
    const { [part]: file = "" } = fields;
    if (file) how[part] = file;
    else delete how[part];
    delete fields[part];
  }
  return { ...cell, fields, choice: { model: model ?? present.model, how } };
}

/**
 * Some cells in the order in which they are made: those of one model one after another, so that it
 * is opened once; within a model those of the same parts. Else as they come.
 * @param {{ choice?: Choice }[]} cells
 * @param {number[]} which
 */
export function byModel(cells, which) {
  /** @param {(choice: Choice | undefined) => string} keyOf */
  const placesOf = (keyOf) => {
    const keys = [...new Set(cells.map(({ choice }) => keyOf(choice)))];
    const places = new Map(keys.map((key, place) => [key, place]));
    return cells.map(({ choice }) => places.get(keyOf(choice)) ?? 0);
  };
  const models = placesOf((choice) => choice?.model ?? "");
  const choices = placesOf((choice) => JSON.stringify(choice ?? null));
  const order = (/** @type {number[]} */ places, /** @type {number} */ at) => places[at] ?? 0;
  return which.toSorted(
    (a, b) => order(models, a) - order(models, b) || order(choices, a) - order(choices, b) || a - b,
  );
}
