// Reads the part of YAML that collections of wildcard lists are written in: maps of maps and of
// lists of texts, by indentation, and lists between brackets on one line (YAML 1.2, chapters 7
// and 8). All values are texts as written. Anchors, tags, maps between braces and lists inside
// lists are faults, which name their line. Items that begin with # are comments, and are counted.

import { batchText } from "../strings/batch.js";
import { yamlText as text } from "../strings/yaml.js";
import { flowList, plain, quotedText, valueAfter } from "./yaml_texts.js";

/** Maps inside maps: more are a fault, before any stack is full. Signs of a line. */
const [DEPTH_MAX, LINE_MAX] = [20, 100_000];

/** @typedef {string | string[] | Map<string, unknown>} Value maps hold values of this type */
/** @typedef {{ indent: number, own: string, number: number }} Line without its indentation */

/**
 * @param {string} file
 * @param {(count: number) => void} [hearComments] gets the number of items that are comments, if
 * there are some
 * @returns {Value} an empty text for an empty file
 * @throws {Error} with the line that cannot be read
 */
export function readYaml(file, hearComments = () => {}) {
  const lines = new Lines(file);
  const first = lines.peek();
  if (!first) return "";
  const value = nodeAt(lines, first.indent, 0);
  const rest = lines.peek();
  if (rest) throw lines.fault(rest, text.indent());
  if (lines.comments) hearComments(lines.comments);
  return value;
}

/** The lines of a file, one after another. */
class Lines {
  /** @type {string[]} */
  #lines;
  #at = 0;
  /** How many items were nothing but a comment. */
  comments = 0;

  /** @param {string} file */
  constructor(file) {
    this.#lines = file.split(/\r\n|\r|\n/);
    const begin = this.#lines.findIndex((line) => !/^\s*(#|$)|^%/.test(line));
    // The line that begins a document, and what stands before it.
    if (/^---\s*(#|$)/.test(this.#lines[begin] ?? "")) this.#at = begin + 1;
  }

  /** @returns {Line | undefined} the next line that is neither empty nor a comment */
  peek() {
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at] ?? "";
      const indent = line.search(/[^ ]/);
      if (indent < 0 || /^\s*(#|$)/.test(line)) continue;
      const found = { indent, own: line.slice(indent).trimEnd(), number: this.#at + 1 };
      if (found.own.startsWith("\t")) throw this.fault(found, text.tab());
      if (line.length > LINE_MAX) throw this.fault(found, text.tooLong(LINE_MAX));
      if (/^(---|\.\.\.)(\s|$)/.test(line)) throw this.fault(found, text.documents());
      return found;
    }
    return undefined;
  }

  skip() {
    this.#at += 1;
  }

  /**
   * The lines of a text behind | or >: those that are empty or stand further in.
   * @param {number} indent of what it belongs to
   */
  block(indent) {
    const from = this.#at;
    const inside = (/** @type {string} */ line) => {
      const own = line.search(/[^ ]/);
      return own < 0 || own > indent;
    };
    while (this.#at < this.#lines.length && inside(this.#lines[this.#at] ?? "")) this.#at += 1;
    return this.#lines.slice(from, this.#at);
  }

  /** @param {Line} line @param {string} reason */
  fault = ({ number }, reason) => new Error(text.fault(number, reason));
}

/** @param {string} own */
const isItem = (own) => own === "-" || own.startsWith("- ");

/**
 * A list or a map.
 * @param {Lines} lines
 * @param {number} indent
 * @param {number} depth
 * @returns {Value}
 */
function nodeAt(lines, indent, depth) {
  const first = lines.peek();
  if (first && depth > DEPTH_MAX) throw lines.fault(first, batchText.foldersTooDeep(DEPTH_MAX));
  return first && isItem(first.own) ? listAt(lines, indent) : mapAt(lines, indent, depth);
}

/**
 * The lines of one indentation.
 * @param {Lines} lines
 * @param {number} indent
 * @param {(own: string) => boolean} belongs
 * @returns {Generator<Line>}
 */
function* linesAt(lines, indent, belongs) {
  for (let line = lines.peek(); line && line.indent >= indent; line = lines.peek()) {
    if (line.indent > indent) throw lines.fault(line, text.indent());
    if (!belongs(line.own)) return;
    lines.skip();
    yield line;
  }
}

/** @param {Lines} lines @param {number} indent */
function listAt(lines, indent) {
  /** @type {string[]} */
  const items = [];
  for (const line of linesAt(lines, indent, isItem)) {
    const rest = line.own.slice(1).trimStart();
    if (isItem(rest) || rest.startsWith("[")) throw lines.fault(line, text.nested());
    if (rest && !rest.startsWith("#")) {
      items.push(scalar(lines, line, rest, indent));
    } else if ((lines.peek()?.indent ?? 0) > indent) throw lines.fault(line, text.nested());
    else if (rest) lines.comments += 1;
  }
  return items;
}

/**
 * @param {Lines} lines
 * @param {number} indent
 * @param {number} depth
 */
function mapAt(lines, indent, depth) {
  /** @type {Map<string, unknown>} */
  const map = new Map();
  for (const line of linesAt(lines, indent, (own) => !isItem(own))) {
    const { key, rest } = told(lines, line, () => valueAfter(line.own));
    if (map.has(key)) throw lines.fault(line, text.twice(key));
    map.set(key, valueOf(lines, line, rest, depth));
  }
  return map;
}

/**
 * What stands behind a key, or below it.
 * @param {Lines} lines
 * @param {Line} line of the key
 * @param {string} rest of that line
 * @param {number} depth
 * @returns {Value}
 */
function valueOf(lines, line, rest, depth) {
  if (rest.startsWith("[")) return told(lines, line, () => flowList(rest));
  if (rest && !rest.startsWith("#")) return scalar(lines, line, rest, line.indent);
  const next = lines.peek();
  if (next && next.indent > line.indent) return nodeAt(lines, next.indent, depth + 1);
  // The items of a list may stand below their key without being further in.
  if (next?.indent === line.indent && isItem(next.own)) return listAt(lines, line.indent);
  return "";
}

/**
 * A text.
 * @param {Lines} lines
 * @param {Line} line
 * @param {string} rest what of the line is read
 * @param {number} indent of what it belongs to: lines further in go on with it
 * @returns {string}
 */
function scalar(lines, line, rest, indent) {
  if (/^[|>][-+1-9]*\s*(#.*)?$/.test(rest)) {
    const block = lines.block(indent).map((one) => one.trim());
    return block.join(rest.startsWith("|") ? "\n" : " ").trim();
  }
  if (/^["']/.test(rest)) return told(lines, line, () => quotedText(rest));
  const parts = [told(lines, line, () => plain(rest))];
  for (let next = lines.peek(); next && next.indent > indent; next = lines.peek()) {
    const { own } = next;
    if (isItem(own)) throw lines.fault(next, text.indent());
    parts.push(told(lines, next, () => plain(own)));
    lines.skip();
  }
  return parts.join(" ");
}

/**
 * Does something with a line, and names it in a fault.
 * @template T
 * @param {Lines} lines
 * @param {Line} line
 * @param {() => T} act
 */
function told(lines, line, act) {
  try {
    return act();
  } catch (error) {
    throw lines.fault(line, /** @type {Error} */ (error).message);
  }
}
