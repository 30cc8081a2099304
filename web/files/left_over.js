// What of a request of another program is not taken over, as a list for the user: settings by name,
// those of one part together, and not more than a note can have.

import { FIELDS } from "../engine/fields.js";
import { lossText } from "../strings/losses.js";

/** @typedef {import("./fields.js").Fields} Fields */

/** The most entries of a list, and the most characters of one. */
const ENTRIES_MAX = 30;
const ENTRY_CHARS_MAX = 160;
/** The most settings that are looked at. */
const SETTINGS_MAX = 500;

/** Values that say that something is off. */
const OFF = ["", "false", "none", "null", "disabled", "disable", "off", "[]", "{}", "no"];

/** Whether a setting's value says that it is not used. @param {string} value */
export const isOff = (value) => OFF.includes(value.trim().toLowerCase());

/**
 * Settings as entries; two and more whose names begin with the same word are one.
 * @param {[string, string][]} settings
 * @returns {string[]}
 */
export function listed(settings) {
  /** @type {Map<string, [string, string][]>} */
  const parts = new Map();
  for (const [name, value] of settings.slice(0, SETTINGS_MAX)) {
    const [first = name] = name.split(/[ _]/);
    parts.set(first, [...(parts.get(first) ?? []), [name, value]]);
  }
  return [...parts].flatMap(([first, all]) => {
    if (all.length === 1) return all.map(([name, value]) => setting(name, value));
    const inside = all.map(([name, value]) => {
      const rest = name.slice(first.length).trim().replaceAll("_", " ").trim();
      return rest ? `${rest} ${value}`.trim() : value;
    });
    return [lossText.part(first, inside)];
  });
}

/** @param {string} name @param {string} value */
const setting = (name, value) => (value ? lossText.setting(name, value) : name);

/**
 * The settings of an object of JSON that a reader does not know and that are not off.
 * @param {unknown} data
 * @param {Iterable<string>} known
 */
export function leftOver(data, known) {
  if (typeof data !== "object" || data === null) return [];
  const skipped = new Set(known);
  /** @type {[string, string][]} */
  const left = [];
  for (const [name, value] of Object.entries(data)) {
    if (left.length >= SETTINGS_MAX) break;
    const text = typeof value === "object" && value !== null ? short(value) : String(value ?? "");
    if (!skipped.has(name) && !isOff(text)) left.push([name, text]);
  }
  return listed(left);
}

/** A list of numbers or words as text; of anything larger nothing but that it is there. */
function short(/** @type {object} */ value) {
  const list = Array.isArray(value) ? value : Object.values(value);
  if (!list.length) return "[]";
  const isPlain = list.length <= 8 && list.every((one) => typeof one !== "object");
  return Array.isArray(value) && isPlain ? list.join(" ") : "…";
}

/**
 * At most so many entries and characters as a note has; how many more there are is its last one.
 * @param {string[]} entries
 */
export function bounded(entries) {
  const all = [...new Set(entries)];
  const shown = all
    .slice(0, ENTRIES_MAX)
    .map((text) => (text.length > ENTRY_CHARS_MAX ? `${text.slice(0, ENTRY_CHARS_MAX)}…` : text));
  return all.length > ENTRIES_MAX ? [...shown, lossText.more(all.length - ENTRIES_MAX)] : shown;
}

/**
 * The fields whose values a request may have; numbers beyond the bounds of their fields, and names
 * that a field does not have, are listed instead.
 * @param {Fields} fields
 * @returns {{ fields: Fields, notImported: string[] }}
 */
export function fitting(fields) {
  /** @type {string[]} */
  const notImported = [];
  const plain = fields.map(([name, value]) => {
    const isNumber = FIELDS.get(name)?.kind === "number";
    return /** @type {[string, string]} */ ([name, isNumber ? withoutZeros(value) : value]);
  });
  const good = plain.filter(([name, value]) => {
    const field = FIELDS.get(name);
    if (!field || value === "" || fits(field, value)) return true;
    notImported.push(lossText.setting(field.text ?? name, value));
    return false;
  });
  return { fields: good, notImported };
}

/** `7.500000` as 7.5. @param {string} value */
const withoutZeros = (value) => (/^-?\d+\.\d+$/.test(value) ? value.replace(/\.?0+$/, "") : value);

/** @param {import("../engine/fields.js").Field} field @param {string} value */
function fits({ kind, names, least = -Infinity, most = Infinity }, value) {
  if (kind === "name") return !names || names.includes(value);
  if (kind === "seed") return /^\d{1,20}$/.test(value) && BigInt(value) < 2n ** 64n;
  if (!["whole", "number", "layer", "side"].includes(kind)) return true;
  const number = Number(value);
  const isWhole = kind === "number" || Number.isInteger(number);
  return Number.isFinite(number) && isWhole && number >= least && number <= most;
}
