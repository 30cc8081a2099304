// Reads templates, the syntax of the extension Dynamic Prompts for AUTOMATIC1111's web UI:
//
//     {red|2::blue}           one of them; the second is chosen twice as often
//     {2$$a|b|c}              two of them, joined by a comma
//     {1-2$$ and $$a|b|c}     one or two of them, joined by " and "
//     __colours__             one line of the list "colours"
//     \{ \} \| \_ \$ \: \# \/ \@ \!    the sign itself
//
//     # a comment             up to the end of the line, where a word could begin; // as well
//
// All may stand inside one another. White space around what is chosen is left out. Samplers (@, !),
// parameters of lists and variables are not read: they are faults.

import { batchText as text } from "../strings/batch.js";
import { LIST_NAME } from "./list_name.js";

/** Braces inside braces, and the most that `$$` may choose. */
const [DEPTH_MAX, PICKS_MAX] = [50, 100];
/** Characters of a template, and of it in a message. */
const [TEMPLATE_MAX, SHOWN] = [100_000, 24];

/**
 * A template: texts, choices, and names of lists.
 * @typedef {(string | Choice | ListName)[]} Parts
 *
 * What braces hold: from `least` to `most` options are chosen, none of them twice.
 * @typedef {{ least: number, most: number, separator: string, options: Option[] }} Choice
 * @typedef {{ weight: number, parts: Parts }} Option
 * @typedef {{ list: string }} ListName
 */

const NAME = new RegExp(LIST_NAME, "y");
const COUNT = /\s*(?:~\s*)?(?:(\d{1,4})(?:(-)(\d{1,4})?)?|-(\d{1,4}))\$\$(?:([^{}|$]*)\$\$)?/y;
const WEIGHT = /\s*(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})::/y;
const ESCAPE = /\\([{}|_$:#/@!])/y;
/** What is not read: samplers, and lists with parameters. */
const SAMPLER = /\{\s*[@!]|__[@!](?=[^\s_])/y;
const PARAMETERS = /__~?[^{}|,<>()[\]\\$\r\n]{1,200}\([^()\r\n]{0,200}\)__/y;
const COMMENT = /(?:#|\/\/)[^\r\n]*/y;
/** What a comment may follow; elsewhere its signs are text, as in an address. */
const BEFORE_COMMENT = /[\s{}|]/;

/** Between several that are chosen, unless the template says otherwise. */
const SEPARATOR = ", ";

/**
 * @param {string} template
 * @returns {Parts}
 * @throws {Error} if its braces do not fit together
 */
export function parse(template) {
  if (template.length > TEMPLATE_MAX) throw new Error(text.tooLong(TEMPLATE_MAX));
  return new Reader(template).whole();
}

/**
 * A line of a list: a weight, if there is one, and a template.
 * @param {string} line
 * @returns {Option}
 * @throws {Error} as `parse`
 */
export function parseLine(line) {
  const weight = take(WEIGHT, line, 0);
  return {
    weight: weight ? Number(weight[1]) : 1,
    parts: trimmed(parse(line.slice(weight?.[0]?.length ?? 0))),
  };
}

/** @param {RegExp} pattern a sticky one @param {string} from @param {number} at */
function take(pattern, from, at) {
  pattern.lastIndex = at;
  return pattern.exec(from);
}

class Reader {
  #template;
  #at = 0;
  #depth = 0;

  /** @param {string} template */
  constructor(template) {
    this.#template = template;
  }

  whole() {
    const parts = this.#parts();
    if (this.#at < this.#template.length)
      throw new Error(text.notOpened(this.#at + 1, this.#around(this.#at)));
    return parts;
  }

  /** What follows up to the end of an option, or of the template. */
  #parts() {
    /** @type {Parts} */
    const parts = [];
    let literal = "";
    const add = (/** @type {Choice | ListName} */ part) => {
      if (literal) parts.push(literal);
      literal = "";
      parts.push(part);
    };
    while (this.#at < this.#template.length) {
      const sign = this.#template[this.#at] ?? "";
      if (sign === "}" || (sign === "|" && this.#depth)) break;
      this.#refuse(sign);
      if ((sign === "#" || sign === "/") && this.#comment()) continue;
      const escaped = sign === "\\" && take(ESCAPE, this.#template, this.#at);
      const name = sign === "_" && take(NAME, this.#template, this.#at);
      if (sign === "{") add(this.#choice());
      else if (name) {
        this.#at += name[0].length;
        add({ list: (name[1] ?? "").trim() });
      } else if (escaped) {
        this.#at += 2;
        literal += escaped[1];
      } else {
        this.#at += 1;
        literal += sign;
      }
    }
    if (literal) parts.push(literal);
    return parts;
  }

  /** What is not read is a fault: it would be put in as words. @param {string} sign */
  #refuse(sign) {
    if (!"${_".includes(sign)) return;
    const around = this.#around(this.#at);
    const reads = (/** @type {RegExp} */ pattern) => take(pattern, this.#template, this.#at);
    if (sign === "$" && this.#template[this.#at + 1] === "{")
      throw new Error(text.noVariables(around));
    if (reads(SAMPLER)) throw new Error(text.noSamplers(around));
    if (sign === "_" && reads(PARAMETERS)) throw new Error(text.noParameters(around));
  }

  /** Passes over a comment; false where there is none. */
  #comment() {
    const before = this.#template[this.#at - 1] ?? " ";
    const comment = BEFORE_COMMENT.test(before) && take(COMMENT, this.#template, this.#at);
    if (comment) this.#at += comment[0].length;
    return !!comment;
  }

  /** @returns {Choice} */
  #choice() {
    const begin = this.#at++;
    if (++this.#depth > DEPTH_MAX) throw new Error(text.tooDeep(DEPTH_MAX));
    const count = take(COUNT, this.#template, this.#at);
    this.#at += count?.[0].length ?? 0;
    const options = [this.#option()];
    while (this.#template[this.#at] === "|") {
      this.#at += 1;
      options.push(this.#option());
    }
    if (this.#template[this.#at] !== "}")
      throw new Error(text.notClosed(begin + 1, this.#around(begin)));
    this.#at += 1;
    this.#depth -= 1;
    const possible = options.filter(({ weight }) => weight > 0);
    if (!possible.length) throw new Error(text.noWeight(this.#around(begin)));
    return { ...bounds(count), options: possible };
  }

  /** @returns {Option} */
  #option() {
    const weight = take(WEIGHT, this.#template, this.#at);
    this.#at += weight?.[0].length ?? 0;
    return { weight: weight ? Number(weight[1]) : 1, parts: trimmed(this.#parts()) };
  }

  /** The template from there on, for a message. @param {number} at */
  #around(at) {
    const rest = this.#template.slice(at, at + SHOWN);
    return at + SHOWN < this.#template.length ? `${rest}…` : rest;
  }
}

/**
 * How many are chosen. A bound that is left out is 1, or all of them.
 * @param {RegExpExecArray | null} count
 */
function bounds(count) {
  if (!count) return { least: 1, most: 1, separator: SEPARATOR };
  const [, low, dash, high, only, separator = SEPARATOR] = count;
  const least = only !== undefined ? 1 : Number(low);
  const most = only ?? high ?? (dash ? PICKS_MAX : low);
  const [from, to] = [Math.min(least, Number(most)), Math.max(least, Number(most))];
  if (to > PICKS_MAX) throw new Error(text.tooManyPicks(PICKS_MAX));
  return { least: from, most: to, separator };
}

/** Parts without white space at their ends. @param {Parts} parts @returns {Parts} */
function trimmed(parts) {
  const own = [...parts];
  const [first, last] = [own[0], own.at(-1)];
  if (typeof first === "string") own[0] = first.trimStart();
  if (typeof last === "string") own[own.length - 1] = String(own.at(-1)).trimEnd();
  return own.filter((part) => part !== "");
}
