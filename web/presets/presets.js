// Presets: settings of the form under a name, stored in this browser; as JSON in a file. A preset
// has the fields that were chosen when it was saved, and changes no others. Styles are another
// thing: words that are added to a prompt (request/styles.js).

import { FIELDS } from "../engine/fields.js";
import { fieldsOf } from "../files/fields.js";
import { bounded, fitting } from "../files/left_over.js";
import { DEFAULTS, fieldName } from "../request/defaults.js";
import { remember, remembered } from "../storage/settings.js";
import { SAMPLERS } from "../strings.js";
import { lossText } from "../strings/losses.js";
import { presetText as text } from "../strings/presets.js";

/** @typedef {{ name: string, fields: Record<string, string> }} Preset */

const NAME = "presets";
/** The list's name in a file; the most characters of a file, and of all that is stored. */
const LIST = "presets";
const [FILE_MAX, STORED_MAX] = [1_000_000, 1_000_000];

/** Fields of the form besides those of a request. */
const BESIDE = new Set(["style", "loras", "upscaler"]);

/** Whether the form has such a field. @param {string} name */
const isKnown = (name) => DEFAULTS.has(name) || FIELDS.has(name) || BESIDE.has(name);

/** @param {Preset[]} presets */
const sorted = (presets) => presets.toSorted((a, b) => a.name.localeCompare(b.name));

/** All stored presets, by name. @returns {Preset[]} */
export function listPresets() {
  try {
    return readAll(JSON.parse(remembered(NAME) ?? "[]")).presets;
  } catch {
    return [];
  }
}

/**
 * Stores these alone.
 * @param {Preset[]} presets
 * @throws {Error} if the browser does not store them, or they are too many
 */
export function storePresets(presets) {
  const written = JSON.stringify(sorted(presets));
  if (written.length > STORED_MAX) throw new Error(text.tooMany());
  if (!remember(NAME, presets.length ? written : null)) throw new Error(text.notStored());
}

/** A file of presets. @param {Preset[]} presets */
export const presetFile = (presets) =>
  new Blob([`${JSON.stringify({ [LIST]: presets }, null, 2)}\n`], { type: "application/json" });

/**
 * Reads a file of presets.
 * @param {string} json
 * @returns {{ presets: Preset[], unknown: string[], wrong: string[] }} with the names of fields
 * that no form has, and the values that no request may have, both left out
 * @throws {Error} whose message says what is wrong with it
 */
export function readPresets(json) {
  if (json.length > FILE_MAX) throw new Error(text.tooLarge());
  /** @type {any} */
  let value;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(text.noJson(/** @type {Error} */ (error).message), { cause: error });
  }
  const list = Array.isArray(value) ? value : value?.[LIST];
  if (!Array.isArray(list)) throw new Error(text.noList());
  const found = readAll(list);
  if (!found.presets.length) throw new Error(text.noPreset());
  /** @type {string[]} */
  const wrong = [];
  const presets = found.presets.map(({ name, fields }) => {
    const { fields: good, notImported } = fitting(Object.entries(fields));
    const known = good.filter(([field, value]) => {
      const knows = FIELDS.get(field)?.kind !== "sampler" || value === "" || SAMPLERS.has(value);
      if (!knows) wrong.push(lossText.setting(FIELDS.get(field)?.text ?? field, value));
      return knows;
    });
    wrong.push(...notImported);
    return { name, fields: Object.fromEntries(known) };
  });
  return { ...found, presets, wrong: bounded(wrong) };
}

/** @param {any[]} list */
function readAll(list) {
  /** @type {Set<string>} */
  const unknown = new Set();
  const presets = list.flatMap((one) => {
    const name = typeof one?.name === "string" ? one.name.trim() : "";
    const given = one?.fields;
    if (!name || typeof given !== "object" || given === null || Array.isArray(given)) return [];
    const entries = fieldsOf(given).map(([field, value]) => [fieldName(field), value]);
    const fields = entries.filter(([field = ""]) => {
      if (!isKnown(field)) unknown.add(field);
      return isKnown(field);
    });
    return fields.length ? [{ name, fields: Object.fromEntries(fields) }] : [];
  });
  return { presets: sorted(presets), unknown: [...unknown] };
}

/**
 * A name that none of these has: the wanted one, or that with a number.
 * @param {string} wanted
 * @param {Preset[]} presets
 */
export function freeName(wanted, presets) {
  const names = new Set(presets.map(({ name }) => name));
  let name = wanted;
  for (let i = 2; names.has(name); i++) name = `${wanted} (${i})`;
  return name;
}
