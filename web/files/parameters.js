// The text format for images that AUTOMATIC1111 introduced: prompt, `Negative prompt:`, a line of
// `Name: value`, and below it what extensions add. The native program reads it in the same way
// (crate/src/image/parameters.rs); the time it takes grows with the text's length.

const NEGATIVE = "Negative prompt:";

/**
 * @typedef {object} Parameters
 * @property {string} prompt
 * @property {string} negative_prompt
 * @property {[string, string][]} fields in their order
 * @property {string} extra the lines below the fields
 */

/**
 * Reads any text. Without a line of fields all of it is the prompt.
 * @param {string} text
 * @returns {Parameters}
 */
export function parseParameters(text) {
  const all = text
    .trim()
    .split("\n")
    .map((line) => without(line, "\r"));
  const { end, fields } = findFields(all) ?? { end: all.length, fields: [] };
  const lines = all.slice(0, end);
  const at = lines.findIndex((line) => line.startsWith(NEGATIVE));
  const prompt = lines.slice(0, at < 0 ? undefined : at).join("\n");
  const negative = at < 0 ? "" : lines.slice(at).join("\n").slice(NEGATIVE.length);
  const extra = all.slice(end + 1).join("\n");
  return { prompt: prompt.trim(), negative_prompt: negative.trim(), fields, extra: extra.trim() };
}

/**
 * Without this character at its end.
 * @param {string} line
 * @param {string} character
 */
function without(line, character) {
  let end = line.length;
  while (end && line[end - 1] === character) end -= 1;
  return line.slice(0, end);
}

/**
 * The fields and the index of their line. It is the last line of the text, if that has fields; else
 * the last line that begins with `Steps: ` and has at least three fields.
 * @param {string[]} lines
 */
function findFields(lines) {
  for (let end = lines.length - 1; end >= 0; end--) {
    const line = lines[end] ?? "";
    const last = end === lines.length - 1;
    if (!last && !line.trimStart().startsWith("Steps: ")) continue;
    const fields = parseFields(line);
    if (fields && (last || fields.length >= 3)) return { end, fields };
  }
  return null;
}

/**
 * The fields of a line `Name: value, Name: "quoted, value"`.
 *
 * A line that begins with `Steps` always has fields: a piece that is no field, or a quoted value
 * that cannot be read, is skipped. Any other line may be a prompt with a colon. It has fields only
 * if there are at least three, nothing else, and the first is not `Negative prompt`; else null.
 * @param {string} line
 * @returns {[string, string][] | null}
 */
function parseFields(line) {
  /** @type {[string, string][]} */
  const fields = [];
  const text = line.trim();
  for (let at = 0; at < text.length;) {
    let mark = at;
    while (mark < text.length && text[mark] !== ":" && text[mark] !== ",") mark += 1;
    const name = text.slice(at, mark).trim();
    at = mark + 1;
    let skipped = true;
    if (text[mark] === ":") {
      const { value, end } = readValue(text, at);
      skipped = value === null || !/^[\p{L}\p{N} \-/_]+$/u.test(name);
      if (!skipped) fields.push([name, value ?? ""]);
      at = end;
    }
    if (skipped && fields[0]?.[0] !== "Steps") return null;
    while (at < text.length && /\s/.test(text[at] ?? "")) at += 1;
  }
  const first = fields[0]?.[0];
  const isList = fields.length >= 3 && first !== "Negative prompt";
  return first === "Steps" || isList ? fields : null;
}

/**
 * The value at an index, null if it cannot be read; and the index after its comma.
 * @param {string} text
 * @param {number} at
 */
function readValue(text, at) {
  while (at < text.length && /\s/.test(text[at] ?? "")) at += 1;
  if (text[at] === '"') {
    let quote = at + 1;
    while (quote < text.length && text[quote] !== '"') quote += text[quote] === "\\" ? 2 : 1;
    let comma = quote + 1;
    while (comma < text.length && /\s/.test(text[comma] ?? "")) comma += 1;
    if (quote < text.length && (comma >= text.length || text[comma] === ","))
      return { value: unquoted(text.slice(at, quote + 1)), end: comma + 1 };
  }
  const comma = text.indexOf(",", at);
  const end = comma < 0 ? text.length : comma;
  return { value: text.slice(at, end).trim(), end: end + 1 };
}

/** The value of a JSON string; null if it is none. @param {string} text */
function unquoted(text) {
  try {
    return String(JSON.parse(text));
  } catch {
    return null;
  }
}
