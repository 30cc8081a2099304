// JSON as other programs write it: with Python's NaN and Infinity, and with numbers beyond 2^53,
// which become text so that no digit is lost. Only such texts are rewritten, in one pass.

/** From so many digits on, a JavaScript number may not have a whole number's exact value. */
const EXACT_DIGITS = 16;

/**
 * @param {string} text
 * @returns {any} NaN and infinite numbers are null
 * @throws {SyntaxError}
 */
export function parseJson(text) {
  return JSON.parse(/NaN|Infinity|\d{16}/.test(text) ? toPlainJson(text) : text);
}

/** @param {string} text */
function toPlainJson(text) {
  const parts = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(rewritten(text.slice(at, end)));
    at = end;
    if (quote < 0) break;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at += 1;
    parts.push(text.slice(end, at));
  }
  return parts.join("");
}

/** Rewrites the text between two strings. @param {string} text */
function rewritten(text) {
  return text
    .replace(/-?(?:NaN|Infinity)/g, "null")
    .replace(/[-+.\w]+/g, (word) =>
      word.length >= EXACT_DIGITS && /^-?\d+$/.test(word) ? `"${word}"` : word,
    );
}

/**
 * An own property of an object: one of its prototype is not from the file.
 * @param {unknown} object
 * @param {string} name
 * @returns {any}
 */
export function own(object, name) {
  const has = typeof object === "object" && object !== null && Object.hasOwn(object, name);
  return has ? /** @type {Record<string, unknown>} */ (object)[name] : undefined;
}

/**
 * An own property of an object as text; empty if there is none.
 * @param {unknown} object
 * @param {string} name
 */
export function textOf(object, name) {
  const value = own(object, name);
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}
