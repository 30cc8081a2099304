// Texts of YAML on one line: plain ones and those in quotes (YAML 1.2, chapter 7.3), keys, and
// lists between brackets.

import { yamlText as text } from "../strings/yaml.js";

/** Letters behind \ in double quotes. */
const ESCAPES = new Map(
  Object.entries({ n: "\n", t: "\t", r: "\r", 0: "\0", " ": " ", '"': '"', "/": "/", "\\": "\\" }),
);

/** A letter by its number: \x41, \u0041, \U00000041. */
const NUMBERED = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))|\\([^])/g;

/** What a whole text in quotes looks like, and what may follow it. */
const DOUBLE = /^"((?:[^"\\]|\\.)*)"/;
const SINGLE = /^'((?:[^']|'')*)'/;

/**
 * A text in quotes at the begin of a line.
 * @param {string} own
 * @returns {{ value: string, rest: string }}
 */
function quoted(own) {
  const double = own.startsWith('"');
  const [whole, inner] = (double ? DOUBLE : SINGLE).exec(own) ?? [];
  if (whole === undefined || inner === undefined) throw new Error(text.quote());
  const value = double ? inner.replace(NUMBERED, letterOf) : inner.replaceAll("''", "'");
  return { value, rest: own.slice(whole.length).trim() };
}

/**
 * @param {string} sign
 * @param {string | undefined} x
 * @param {string | undefined} u
 * @param {string | undefined} long
 * @param {string | undefined} one
 */
function letterOf(sign, x, u, long, one) {
  const number = parseInt(x ?? u ?? long ?? "", 16);
  const letter = one === undefined ? "" : ESCAPES.get(one);
  if (letter === undefined || number > 0x10ffff) throw new Error(text.escape(sign));
  return letter || String.fromCodePoint(number);
}

/** A text that is all in quotes. @param {string} own */
export function quotedText(own) {
  const { value, rest } = quoted(own);
  if (rest && !rest.startsWith("#")) throw new Error(text.quote());
  return value;
}

/** A text without quotes, up to a comment. @param {string} own */
export function plain(own) {
  if (/^[&*!|>@`%{}[\],]|^\?(\s|$)/.test(own)) throw new Error(text.sign(own.charAt(0)));
  const comment = own.search(/\s#/);
  const found = (comment < 0 ? own : own.slice(0, comment)).trimEnd();
  if (/:(\s|$)/.test(found)) throw new Error(text.colon());
  return found;
}

/**
 * The key of a line, and what stands behind its colon.
 * @param {string} own
 * @returns {{ key: string, rest: string }}
 */
export function valueAfter(own) {
  if (/^["']/.test(own)) {
    const { value, rest } = quoted(own);
    if (!/^:(\s|$)/.test(rest)) throw new Error(text.noKey());
    return { key: value, rest: rest.slice(1).trim() };
  }
  const at = own.search(/:(\s|$)/);
  if (at < 0) throw new Error(text.noKey());
  return { key: plain(own.slice(0, at)), rest: own.slice(at + 1).trim() };
}

/** A list between brackets. @param {string} own @returns {string[]} */
export function flowList(own) {
  /** @type {string[]} */
  const items = [];
  let rest = own.slice(1).trim();
  while (!rest.startsWith("]")) {
    if (!rest) throw new Error(text.bracket());
    if (/^["']/.test(rest)) {
      const found = quoted(rest);
      items.push(found.value);
      rest = found.rest;
    } else {
      const end = rest.search(/[,\]]/);
      if (end < 0) throw new Error(text.bracket());
      const item = rest.slice(0, end).trim();
      if (item) items.push(plain(item));
      rest = rest.slice(end);
    }
    if (rest.startsWith(",")) rest = rest.slice(1).trimStart();
    else if (!rest.startsWith("]")) throw new Error(text.bracket());
  }
  if (!/^\]\s*(#|$)/.test(rest)) throw new Error(text.bracket());
  return items;
}
