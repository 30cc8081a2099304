// Lists of requests in files: JSONL or JSON, CSV (RFC 4180), or plain lines.

/** @typedef {Record<string, string>} Row fields of a request as text, by name */

/**
 * Reads a file by what it looks like.
 * @param {string} name
 * @param {string} text
 * @returns {Row[]}
 * @throws {SyntaxError} naming the line
 */
export function readRows(name, text) {
  const plain = text.replace(/^\uFEFF/, "");
  if (/\.jsonl$/i.test(name) || /^\s*[{[]/.test(plain)) return readJson(plain);
  if (/\.csv$/i.test(name)) return readCsv(plain);
  return readLines(plain);
}

/**
 * One prompt a line; empty lines are nothing.
 * @param {string} text
 * @returns {Row[]}
 */
export function readLines(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line).map((prompt) => ({ prompt }));
}

/**
 * @param {string} text
 * @returns {Row[]}
 */
function readJson(text) {
  if (/^\s*\[/.test(text)) return JSON.parse(text).map(row);
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (!line.trim()) return [];
    try {
      return [row(JSON.parse(line))];
    } catch (error) {
      throw new SyntaxError(`line ${i + 1}: ${/** @type {Error} */ (error).message}`);
    }
  });
}

/**
 * @param {unknown} value text, or an object of fields
 * @returns {Row}
 */
function row(value) {
  if (typeof value === "string") return { prompt: value };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError("a request is text or an object");
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, String(field)]));
}

/**
 * The first line names the columns, of which one is `prompt`; otherwise the first column is it.
 * @param {string} text
 * @returns {Row[]}
 */
function readCsv(text) {
  const lines = csvLines(text).filter((line) => line.some((cell) => cell.trim()));
  const names = (lines[0] ?? []).map((name) => name.trim().toLowerCase().replaceAll(" ", "_"));
  if (!names.includes("prompt")) return lines.map(([prompt = ""]) => ({ prompt }));
  return lines.slice(1).map((line) => {
    const cells = line.map((cell, i) => /** @type {const} */ ([names[i] ?? "", cell]));
    return Object.fromEntries(cells.filter(([name, cell]) => name && cell !== ""));
  });
}

/** @param {string} text */
function csvLines(text) {
  /** @type {string[][]} */
  const lines = [];
  let line = [];
  // A cell, quoted or bare, and what ends it; the last alternative ends the text.
  const cells = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g;
  for (const [all, quoted, bare = "", end] of text.matchAll(cells)) {
    if (all === "" && line.length === 0) break;
    line.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    lines.push(line);
    line = [];
    if (end === "") break;
  }
  return lines;
}
