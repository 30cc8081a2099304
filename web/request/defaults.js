// The fields of the form with their defaults, and what of a request differs from them.

import { ALIASES, FIELDS } from "../engine/fields.js";
import { fieldsOf } from "../files/fields.js";
import { EXAMPLES } from "../strings/demo.js";

/**
 * What the form shows first, where that is not the request's own default: an empty seed is another
 * one each time, and the slider has no place for no strength.
 */
const SHOWN = new Map([
  ["prompt", EXAMPLES[0] ?? ""],
  ["seed", ""],
  ["strength", "0.8"],
]);

const own = Object.fromEntries([...FIELDS].map(([name, field]) => [name, field.default]));

/** The form's fields with their defaults. */
export const DEFAULTS = new Map(
  fieldsOf(own).map(([name, value]) => [name, SHOWN.get(name) ?? value]),
);

/**
 * The form's name of a field that the engine, a list or a link names.
 * @param {string} name
 */
export function fieldName(name) {
  if (name === "initial_picture") return "initial-file";
  return ALIASES.get(name) ?? name.replaceAll(" ", "_");
}

/**
 * What of a request differs from the defaults, for a link to its picture.
 * @param {import("../engine/protocol.js").Request} request
 * @returns {[string, string][]}
 */
export function linkOf(request) {
  return fieldsOf({ ...request }).filter(
    ([name, value]) => value !== (DEFAULTS.get(name) ?? "") && name !== "strength",
  );
}
