// The words that the built-in model knows (words.json, made by scripts/train_demo/words.py): which
// of a prompt are not among them, and prompts made of them. Loaded with that model.

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

export class Words {
  /** Every word of every list. @type {Set<string>} */
  #known;
  /** @type {RegExp} */
  #thing;

  /** @param {Vocabulary} vocabulary */
  constructor(vocabulary) {
    this.vocabulary = vocabulary;
    const { things, colours, styles, sizes, places, other } = vocabulary;
    const all = [things.flat(), colours, styles, sizes, places, other].flat();
    this.#known = new Set(all.flatMap(wordsOf));
    const names = things.flat().map((name) => escaped(name).replaceAll(" ", "\\s+"));
    this.#thing = new RegExp(`(?<!\\p{L})(?:${names.join("|")})(?!\\p{L})`, "iu");
  }

  /**
   * What the model makes nothing of: the words of a prompt that it does not know, each once, and
   * whether one of its things is there, or a list of the user's, which may have one.
   * @param {string} prompt
   * @param {string[]} [taught] words that were taught, which may be things
   */
  check(prompt, taught = []) {
    const all = searched(prompt).replace(SYNTAX, " ");
    const whole = (/** @type {string} */ word) =>
      `(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`;
    const words = taught.map((word) => new RegExp(whole(word), "giu"));
    const text = [WILDCARD, ...words].reduce((text, word) => text.replace(word, " "), all);
    const known = (/** @type {string} */ word) => this.#known.has(word);
    const unknown = wordsOf(text).filter((word) => !known(word) && !word.split("-").every(known));
    const hasThing = taught.length > 0 || text !== all || this.#thing.test(text);
    return { unknown: [...new Set(unknown)], hasThing };
  }

  /**
   * The things whose name, or another name of them, contains a text; those whose name begins with
   * it come first.
   * @param {string} text
   */
  find(text) {
    const wanted = text.trim().toLowerCase();
    const found = this.vocabulary.things.filter((names) =>
      names.some((name) => name.toLowerCase().includes(wanted)),
    );
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
    const article = (/** @type {string} */ word) => `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
    const plain = !coloured.includes(what) && Math.random() < 0.5;
    const named = plain ? article(what) : `${article(colour)} ${what}`;
    return `${named} on ${article(ground)} background`;
  }
}
