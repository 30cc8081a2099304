// A request as fields of the form: names and values, all of them text.

/** @typedef {[string, string][]} Fields names and values of a request */

const SYNTAXES = new Map([
  ["true", "a1111"],
  ["false", "plain"],
]);

/**
 * A field by its present name and value, from those of earlier versions.
 * @param {[string, string]} field
 * @returns {[string, string]}
 */
export const present = ([name, value]) =>
  name === "prompt_weights" ? ["prompt_syntax", SYNTAXES.get(value) ?? value] : [name, value];

/**
 * A request's own JSON. A field that is null has its default.
 * @param {Record<string, unknown>} request
 * @returns {Fields}
 */
export function fieldsOf(request) {
  return Object.entries(request).map(([name, value]) =>
    present([
      name,
      typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? ""),
    ]),
  );
}
