// Lists of requests in files: JSONL or JSON, tables with commas, semicolons or tabs (RFC 4180), the
// options of AUTOMATIC1111's "Prompts from file", or plain prompts, one a line. If anything is
// wrong, the error names the line (in a JSON list, the element) and nothing of the list is used.
// The native program reads the same (crate/src/bin/darkroom/lists.rs).

import { importText } from "../strings/imports.js";
import { parseJson } from "./json.js";
import { checked } from "./row.js";

/** @typedef {Record<string, string>} Row fields of a request as text, by name */
/**
 * A row and the number of its line, or of its element in a JSON list.
 * @typedef {{ line: number, row: Row }} Line
 */

/**
 * Reads a list; its format is detected.
 * @param {string} name of its file
 * @param {string} text
 * @param {boolean} [images] whether rows have the paths of start images (`init`) and masks (`mask`)
 * @returns {Row[]}
 * @throws {SyntaxError} naming the line or element
 */
export function readRows(name, text, images = false) {
  return readLines(name, text, images).map(({ row }) => row);
}

/**
 * As `readRows`, with the numbers of the lines.
 * @param {string} name
 * @param {string} text
 * @param {boolean} images
 * @returns {Line[]}
 */
export function readLines(name, text, images) {
  const plain = text.replace(/^\uFEFF/, "");
  const lines = linesOf(name, plain);
  return lines.map(({ line, row }) => ({
    line,
    row: withLine(line, () => checked(row, images)),
  }));
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {Line[]}
 */
function linesOf(name, text) {
  const start = text.trimStart();
  const first = start.split("\n", 1)[0]?.trim() ?? "";
  if (/\.jsonl$/i.test(name) || /^(\{\s*("|\}|$)|\[\s*(["{\]]|$))/.test(first))
    return readJson(text, first);
  const names = (/** @type {string} */ mark) => first.split(mark).map(column);
  const mark = [",", ";", "\t"].find((mark) => names(mark).includes("prompt"));
  if (mark) return readTable(text, mark);
  if (/\.csv$/i.test(name)) return readFirstColumn(text);
  return text.split(/\r?\n/).flatMap((line, i) => {
    const prompt = line.trim();
    if (!prompt) return [];
    const row = prompt.startsWith("--") ? withLine(i + 1, () => readOptions(prompt)) : { prompt };
    return [{ line: i + 1, row }];
  });
}

/**
 * Runs a reader; an error gets the number of the line or element.
 * @template T
 * @param {number} line
 * @param {() => T} read
 */
function withLine(line, read) {
  try {
    return read();
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new SyntaxError(importText.line(line, message), { cause: error });
  }
}

/**
 * @param {string} text
 * @param {string} first its first line that is not empty
 * @returns {Line[]}
 */
function readJson(text, first) {
  // A list in brackets, or one object over several lines.
  if (first.startsWith("[") || first === "{") {
    const all = parseJson(text);
    return [all]
      .flat()
      .map((value, i) => ({ line: i + 1, row: withLine(i + 1, () => rowOf(value)) }));
  }
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (!line.trim()) return [];
    return [{ line: i + 1, row: withLine(i + 1, () => rowOf(parseJson(line))) }];
  });
}

/**
 * @param {unknown} value text, or an object of fields
 * @returns {Row}
 */
function rowOf(value) {
  if (typeof value === "string") return { prompt: value };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError("a request is text or an object");
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(
    fields.map(([name, field]) => [
      name,
      typeof field === "object" ? JSON.stringify(field) : String(field),
    ]),
  );
}

/** @param {string} name */
function column(name) {
  return name.replaceAll('"', "").trim().toLowerCase().replaceAll(" ", "_");
}

/**
 * The first line names the columns, of which one is `prompt`.
 * @param {string} text
 * @param {string} mark between columns
 * @returns {Line[]}
 */
function readTable(text, mark) {
  const [head, ...lines] = tableLines(text, mark);
  const names = (head?.cells ?? []).map(column);
  return lines.map(({ line, cells }) => {
    const fields = cells.map((cell, i) => /** @type {const} */ ([names[i] ?? "", cell]));
    const row = Object.fromEntries(fields.filter(([name, cell]) => name && cell.trim() !== ""));
    // An empty prompt is an error: the form's present prompt must not be used instead.
    return { line, row: withLine(line, () => withPrompt(row)) };
  });
}

/** @param {Row} row */
function withPrompt(row) {
  if (row["prompt"] === undefined) throw new SyntaxError(importText.noPrompt());
  return row;
}

/** @param {string} text @returns {Line[]} */
function readFirstColumn(text) {
  return tableLines(text, ",").map(({ line, cells: [prompt = ""] }) => {
    return { line, row: withLine(line, () => withPrompt(prompt.trim() ? { prompt } : {})) };
  });
}

/**
 * Lines that are not empty.
 * @param {string} text
 * @param {string} mark
 */
function tableLines(text, mark) {
  /** @type {{ line: number, cells: string[] }[]} */
  const lines = [];
  let [number, startLine] = [1, 1];
  /** @type {string[]} */
  let cells = [];
  const end = () => {
    if (cells.some((cell) => cell.trim())) lines.push({ line: startLine, cells });
    cells = [];
    startLine = number;
  };
  for (let at = 0; at <= text.length;) {
    let cell = "";
    if (text[at] === '"') {
      for (let quote = at + 1; ;) {
        const close = text.indexOf('"', quote);
        cell += text.slice(quote, close < 0 ? text.length : close);
        at = close < 0 ? text.length : close + 1;
        if (text[at] !== '"' || close < 0) break;
        cell += '"';
        quote = at + 1;
      }
      number += cell.split("\n").length - 1;
    }
    const start = at;
    while (at < text.length && text[at] !== mark && text[at] !== "\n") at += 1;
    cells.push(cell + text.slice(start, at).replace(/\r$/, ""));
    const mark_here = text[at] === mark;
    at += 1;
    if (mark_here) continue;
    number += 1;
    end();
  }
  return lines;
}

/**
 * `--prompt "a fox" --steps 20`.
 * @param {string} line
 * @returns {Row}
 */
function readOptions(line) {
  const words = wordsOf(line);
  /** @type {Row} */
  const row = {};
  for (let i = 0; i < words.length; i += 2) {
    const [option = "", value] = words.slice(i, i + 2);
    if (!option.startsWith("--") || value === undefined)
      throw new SyntaxError(importText.noOption(option));
    row[option.slice(2)] = value;
  }
  return row;
}

/**
 * Splits a line into words as a shell does: at spaces outside quotes.
 * @param {string} line
 */
function wordsOf(line) {
  /** @type {string[]} */
  const words = [];
  /** @type {string | null} */
  let word = null;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] ?? "";
    if (quote ? letter === quote : letter === '"' || letter === "'") {
      quote = quote ? "" : letter;
      word ??= "";
    } else if (!quote && /\s/.test(letter)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      const escaped = letter === "\\" && quote !== "'" && at + 1 < line.length;
      word = (word ?? "") + (escaped ? line[++at] : letter);
    }
  }
  if (quote) throw new SyntaxError(importText.openQuote());
  if (word !== null) words.push(word);
  return words;
}
