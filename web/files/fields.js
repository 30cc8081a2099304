// A request as fields of the form: names and values, all of them text.

/** @typedef {[string, string][]} Fields names and values of a request */

/**
 * A request's own JSON. A field that is null has its default.
 * @param {Record<string, unknown>} request
 * @returns {Fields}
 */
export function fieldsOf(request) {
  return Object.entries(request).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? ""),
  ]);
}
