// The words that the built-in model knows (words.json, made by scripts/train_demo/icons/words.py):
// which of a prompt are not among them, how it spells others, and prompts made of them. Loaded with
// that model.

import { LIST_NAME } from "../batch/list_name.js";

/**
 * @typedef {object} Vocabulary
 * @property {string[][]} things of each its name, then other names of it
 * @property {string[]} coloured the things that are always drawn in one colour
 * @property {string[]} colours
 * @property {string[]} styles such as "outline"
 * @property {string[]} sizes such as "small"
 * @property {string[]} places such as "on the left"
 * @property {string[]} other the words between them
 */

/** The most characters of a prompt that are searched: no model reads more. */
const SEARCHED_MAX = 2000;

/** What is no word for the model: tags, and the words of A1111's syntax. */
const SYNTAX = /<[^>]*>|\b(?:AND|BREAK)\b/g;

const WILDCARD = new RegExp(LIST_NAME, "g");

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}'’-]*/gu;

/** What is left of a word where a text was cut. */
const CUT_WORD = /[\p{L}\p{N}\p{M}'’-]+$/u;

/** @type {Promise<Words> | null} */
let loaded = null;

/** The words, loaded once; after a failure the next call loads them again. */
export function words() {
  loaded ??= load().catch((error) => {
    loaded = null;
    throw error;
  });
  return loaded;
}

async function load() {
  const answer = await fetch(new URL("./words.json", import.meta.url));
  if (!answer.ok) throw new Error(`words.json: ${answer.status}`);
  return new Words(/** @type {Vocabulary} */ (await answer.json()));
}

/** The words of a text, in small letters; numbers are none. @param {string} text */
const wordsOf = (text) =>
  (text.toLowerCase().match(WORD) ?? []).filter((word) => /\p{L}/u.test(word));

/** A text as a part of a regular expression. @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The part of a prompt that is searched: whole words. @param {string} prompt */
function searched(prompt) {
  const text = prompt.slice(0, SEARCHED_MAX);
  return prompt.length > SEARCHED_MAX ? text.replace(CUT_WORD, "") : text;
}

/** The most words that a name has. */
const NAME_WORDS_MAX = 4;

/** The fewest letters that tell a word from others. */
const STEM_MIN = 3;

/** Other spellings of words, and how the model knows them. */
const SPELLINGS = new Map([
  ["grey", "gray"],
  ["violet", "purple"],
]);

/**
 * What spellings of one name have in common: `T-shirts`, `t shirt` and `tshirt`; `Woman’s hat` and
 * `womans hat`.
 * @param {string} text
 */
function keyOf(text) {
  const words = text
    .toLowerCase()
    .replace(/['’]/g, "")
    .split(/[-\s]+/);
  const last = words.pop() ?? "";
  return [...words, singular(SPELLINGS.get(last) ?? last)].join("");
}

/**
 * What a word and its plural have in common: `cherr`, `lea`, `hou`.
 * @param {string} word
 */
function singular(word) {
  const stem = word.replace(/(?:ies?|y|ves?|f|[es]+)$/, "");
  if (stem.length >= STEM_MIN) return stem;
  return word.length > STEM_MIN ? word.replace(/s$/, "") : word;
}

/** Names that take no article. */
const PLURAL = /(?<![su]|rhinocero)s$/;

/** @param {string} words */
const article = (words) => `${/^(?!uni)[aeiou]|^hour/.test(words) ? "an" : "a"} ${words}`;

/**
 * What the model makes of a prompt.
 * @typedef {object} Checked
 * @property {string[]} unknown words that it does not know, each once
 * @property {[string, string][]} instead words that it knows in another spelling, and that
 * @property {number} things how many things it names
 * @property {boolean} hasThing whether it names one, or calls what may be one: a word that was
 * taught, a list of the user's
 */

export class Words {
  /** Words that are no names: colours, styles, sizes, places and what is between them. */
  #plain;
  /** Names of things. */
  #names;
  /** What is known, by its key. @type {Map<string, string>} */
  #keys;

  /** @param {Vocabulary} vocabulary */
  constructor(vocabulary) {
    this.vocabulary = vocabulary;
    const { things, colours, styles, sizes, places, other } = vocabulary;
    this.#plain = new Set([colours, styles, sizes, places, other].flat().flatMap(wordsOf));
    this.#names = new Set(things.flat().map((name) => name.toLowerCase()));
    const known = [...[...this.#plain].reverse(), ...[...this.#names].reverse()];
    this.#keys = new Map(known.map((name) => [keyOf(name), name]));
  }

  /**
   * @param {string} prompt
   * @param {string[]} [taught] words that were taught, which may be things
   * @returns {Checked}
   */
  check(prompt, taught = []) {
    const all = searched(prompt).replace(SYNTAX, " ");
    const whole = (/** @type {string} */ word) =>
      `(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`;
    const calls = taught.map((word) => new RegExp(whole(word), "giu"));
    // What may be a thing separates the names beside it.
    const text = [WILDCARD, ...calls].reduce((text, word) => text.replace(word, "|"), all);
    const found = this.#read(text.toLowerCase());
    const { unknown, instead, things } = found;
    return {
      unknown: [...new Set(unknown)],
      instead: [...new Map(instead)],
      things,
      hasThing: things > 0 || taught.length > 0 || text !== all,
    };
  }

  /**
   * A prompt with other spellings of its words.
   * @param {string} prompt
   * @param {Checked["instead"]} instead
   */
  respelled(prompt, instead) {
    const write = (/** @type {string} */ text, /** @type {[string, string]} */ [given, known]) => {
      const words = escaped(given).replaceAll(" ", "\\s+");
      const whole = new RegExp(`(?<![\\p{L}\\p{N}])${words}(?![\\p{L}\\p{N}])`, "giu");
      return text.replace(whole, () => known);
    };
    return instead.reduce(write, prompt);
  }

  /** Reads a text word by word; of names the longest. @param {string} text in small letters */
  #read(text) {
    /** @type {{ unknown: string[], instead: [string, string][], things: number }} */
    const found = { unknown: [], instead: [], things: 0 };
    const words = [...text.matchAll(WORD)];
    for (let at = 0; at < words.length;) {
      const [count, name, given] = this.#nameAt(text, words, at);
      at += count || 1;
      if (count && this.#names.has(name)) found.things += 1;
      if (count && name !== given) found.instead.push([given, name]);
      if (!count && /\p{L}/u.test(given)) found.unknown.push(given);
    }
    return found;
  }

  /**
   * The longest known run of words: how many they are, as they are known, as they stand there.
   * @param {string} text
   * @param {RegExpExecArray[]} words
   * @param {number} at
   * @returns {[number, string, string]}
   */
  #nameAt(text, words, at) {
    const begin = words[at]?.index ?? 0;
    for (let count = Math.min(NAME_WORDS_MAX, words.length - at); count > 0; count--) {
      const last = words[at + count - 1];
      const slice = text.slice(begin, (last?.index ?? 0) + (last?.[0].length ?? 0));
      // Only blanks are between the words of a name.
      if (count > 1 && !/^[\p{L}\p{N}\p{M}'’\s-]+$/u.test(slice)) continue;
      const given = slice.replace(/\s+/g, " ");
      if (this.#names.has(given) || (count === 1 && this.#plain.has(given)))
        return [count, given, given];
      const known = this.#keys.get(keyOf(given)) ?? this.#parts(given);
      if (known && (count === 1 || this.#names.has(known))) return [count, known, given];
    }
    return [0, "", words[at]?.[0] ?? ""];
  }

  /** A word with hyphens as the words that it has, if all are known. @param {string} word */
  #parts(word) {
    const parts = word.split("-");
    const known = (/** @type {string} */ part) => this.#plain.has(part) || this.#names.has(part);
    return parts.length > 1 && parts.every(known) ? parts.join(" ") : "";
  }

  /**
   * The things whose name, or another name of them, contains a text; those whose name begins with
   * it come first.
   * @param {string} text
   */
  find(text) {
    const wanted = text.trim().toLowerCase();
    const key = keyOf(wanted);
    const fits = (/** @type {string} */ name) =>
      name.toLowerCase().includes(wanted) ||
      [name, ...name.split(" ")].some((part) => keyOf(part) === key);
    const found = this.vocabulary.things.filter((names) => names.some(fits));
    const begins = (/** @type {string[]} */ [name = ""]) =>
      Number(!name.toLowerCase().startsWith(wanted));
    return found.sort((a, b) => begins(a) - begins(b)).map(([name = ""]) => name);
  }

  /**
   * A random prompt, of one of the things or of this one, as it is or in a colour.
   * @param {string} [thing]
   */
  prompt(thing) {
    const any = (/** @type {string[]} */ list) =>
      list[Math.floor(Math.random() * list.length)] ?? "";
    const { colours, coloured, things } = this.vocabulary;
    const colour = any(colours);
    const ground = any(colours.filter((other) => other !== colour));
    const what = thing ?? any(things.map(([name = ""]) => name));
    const plain = !coloured.includes(what) && Math.random() < 0.5;
    const named = plain ? what : `${colour} ${what}`;
    return `${PLURAL.test(what) ? named : article(named)} on ${article(ground)} background`;
  }
}
