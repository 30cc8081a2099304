// JSON as other programs write it: Python's NaN and Infinity, and numbers beyond 2^53, which keep
// their digits as text. One pass over the text, and only where the plain reader does not do.

/** Digits from which on a whole number may be another one as a JavaScript number. */
const EXACT_DIGITS = 16;

/**
 * @param {string} text
 * @returns {any} NaN and infinite numbers are null
 * @throws {SyntaxError}
 */
export function parseJson(text) {
  return JSON.parse(/NaN|Infinity|\d{16}/.test(text) ? plainly(text) : text);
}

/** @param {string} text */
function plainly(text) {
  const parts = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(mended(text.slice(at, end)));
    at = end;
    if (quote < 0) break;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at += 1;
    parts.push(text.slice(end, at));
  }
  return parts.join("");
}

/** @param {string} text what stands between strings */
function mended(text) {
  return text
    .replace(/-?(?:NaN|Infinity)/g, "null")
    .replace(/[-+.\w]+/g, (word) =>
      word.length >= EXACT_DIGITS && /^-?\d+$/.test(word) ? `"${word}"` : word,
    );
}

/**
 * A value that is the object's own: what an object has from its prototype is none of a file's.
 * @param {unknown} object
 * @param {string} name
 * @returns {any}
 */
export function own(object, name) {
  const has = typeof object === "object" && object !== null && Object.hasOwn(object, name);
  return has ? /** @type {Record<string, unknown>} */ (object)[name] : undefined;
}

/**
 * The object's own value as text; empty without one.
 * @param {unknown} object
 * @param {string} name
 */
export function textOf(object, name) {
  const value = own(object, name);
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}
