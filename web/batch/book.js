// The user's lists as templates need them: finds those that a name or a pattern means, and puts
// their lines where the name stands. A list that is missing, or that contains itself, is told here,
// before anything is chosen.

import { batchText as text } from "../strings/batch.js";
import { parse, parseLine } from "./grammar.js";

/** @typedef {import("./grammar.js").Parts} Parts */
/** @typedef {import("./grammar.js").Option} Option */

/**
 * A template whose lists have been put in. Each list is there once, however often it is named.
 * @typedef {(string | Node)[]} Linked
 * @typedef {{ least: number, most: number, separator: string, options: LinkedOption[] }} Node
 * @typedef {{ weight: number, parts: Linked }} LinkedOption
 */

/** Lists inside lists. */
const DEPTH_MAX = 50;

/**
 * The lines of a list: trimmed, without empty ones and those that begin with #.
 * @param {string} list
 */
export function linesOf(list) {
  const lines = list.split(/\r?\n/).map((line, i) => ({ line: line.trim(), at: i + 1 }));
  return lines.filter(({ line }) => line && !line.startsWith("#"));
}

/**
 * Whether a name is one of a pattern's: `*` is anything but a slash, `**` anything.
 * @param {string} pattern
 */
function matcher(pattern) {
  const signs = pattern.toLowerCase().match(/\*+|[^*]/g) ?? [];
  return (/** @type {string} */ name) => {
    // All places in the pattern at once, sign by sign: nothing is tried twice.
    let places = beyondStars(signs, new Set([0]));
    for (const sign of name.toLowerCase()) {
      /** @type {Set<number>} */
      const next = new Set();
      for (const at of places) {
        const own = signs[at] ?? "";
        if (own.startsWith("*")) {
          if (own.length > 1 || sign !== "/") next.add(at);
        } else if (own === sign) next.add(at + 1);
      }
      if (!next.size) return false;
      places = beyondStars(signs, next);
    }
    return places.has(signs.length);
  };
}

/**
 * Also the places behind stars, which may be nothing.
 * @param {string[]} signs
 * @param {Set<number>} places
 */
function beyondStars(signs, places) {
  for (const at of places) if (signs[at]?.startsWith("*")) places.add(at + 1);
  return places;
}

/** Stars of one pattern: a pattern of many takes too long to try. */
const STARS_MAX = 8;

export class Book {
  /** @type {Map<string, string>} texts of the lists by name */
  #lists;
  /** @type {Map<string, LinkedOption[]>} by name or pattern */
  #known = new Map();

  /** @param {Iterable<[string, string]>} lists names and texts */
  constructor(lists) {
    this.#lists = new Map(lists);
  }

  /**
   * Reads a template.
   * @param {string} template
   * @returns {Linked}
   * @throws {Error} if its braces do not fit together, or a list is missing, empty or in a circle
   */
  read(template) {
    return this.#link(parse(template), []);
  }

  /**
   * @param {Parts} parts
   * @param {string[]} inside the lists that contain them, the outermost first
   * @returns {Linked}
   */
  #link(parts, inside) {
    return parts.map((part) => {
      if (typeof part === "string") return part;
      if ("list" in part) return one(this.#options(part.list, inside));
      const [only] = part.options;
      const [name] = only?.parts ?? [];
      const { least, most, separator } = part;
      // Several of one list, none of them twice.
      if (part.options.length === 1 && only?.parts.length === 1 && isName(name))
        return { least, most, separator, options: this.#options(name.list, inside) };
      const options = part.options.map(({ weight, parts: own }) => {
        return { weight, parts: this.#link(own, inside) };
      });
      return { least, most, separator, options };
    });
  }

  /**
   * What a name or a pattern stands for.
   * @param {string} name
   * @param {string[]} inside
   * @returns {LinkedOption[]}
   */
  #options(name, inside) {
    const known = this.#known.get(name);
    if (known) return known;
    if (inside.length >= DEPTH_MAX) throw new Error(text.listsTooDeep(DEPTH_MAX));
    const names = this.#namesOf(name);
    if (!names.length) throw new Error(text.noList(name));
    const options = names.flatMap((one) => this.#optionsOf(one, inside));
    if (!options.length) throw new Error(text.emptyList(name));
    this.#known.set(name, options);
    return options;
  }

  /** @param {string} name or pattern */
  #namesOf(name) {
    if (!name.includes("*")) {
      const exact = this.#lists.has(name);
      const same = (/** @type {string} */ one) => one.toLowerCase() === name.toLowerCase();
      return exact ? [name] : [...this.#lists.keys()].filter(same).slice(0, 1);
    }
    if (name.split(/\*+/).length - 1 > STARS_MAX) throw new Error(text.tooManyStars(STARS_MAX));
    return [...this.#lists.keys()].filter(matcher(name)).sort();
  }

  /** The lines of one list. @param {string} name @param {string[]} inside */
  #optionsOf(name, inside) {
    if (inside.includes(name))
      throw new Error(text.circle([...inside.slice(inside.indexOf(name)), name]));
    const known = this.#known.get(`\n${name}`);
    if (known) return known;
    const options = linesOf(this.#lists.get(name) ?? "").map(({ line, at }) => {
      const { weight, parts } = this.#line(name, line, at);
      return { weight, parts: this.#link(parts, [...inside, name]) };
    });
    const possible = options.filter(({ weight }) => weight > 0);
    this.#known.set(`\n${name}`, possible);
    return possible;
  }

  /** @param {string} name @param {string} line @param {number} at */
  #line(name, line, at) {
    try {
      return parseLine(line);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(text.wrongLine(name, at, message), { cause: error });
    }
  }
}

/** @param {Parts[number] | undefined} part @returns {part is { list: string }} */
const isName = (part) => typeof part === "object" && "list" in part;

/** One of these. @param {LinkedOption[]} options @returns {Node} */
const one = (options) => ({ least: 1, most: 1, separator: "", options });
