// A request as fields of the form: names and values, all of them text.

/** @typedef {[string, string][]} Fields names and values of a request */

/** Fields of earlier versions, all of them flags: their names now. */
const FORMER = new Map([
  ["karras", "sigmas"],
  ["prompt_weights", "prompt_syntax"],
]);

/** What a flag means where the field now has other values. */
const FLAGS = new Map([
  ["sigmas true", "karras"],
  ["sigmas false", "normal"],
  ["prompt_syntax true", "a1111"],
  ["prompt_syntax false", "plain"],
]);

/**
 * A field by its present name and value, from those of earlier versions.
 * @param {[string, string]} field
 * @returns {[string, string]}
 */
export function present([name, value]) {
  const now = FORMER.get(name) ?? name;
  return [now, FLAGS.get(`${now} ${value.trim().toLowerCase()}`) ?? value];
}

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
