// Takes the comments out of JavaScript and CSS that is served: they are for readers of the source,
// and would be a third of what a visitor fetches. All else stays as it is written, so that what a
// browser shows of the site can be read. Notices of licences stay.

import { parse } from "acorn";

/** A range of characters that is a comment. @typedef {{ start: number, end: number }} Range */

/** Comments that ask to be kept, as minifiers and bundlers know them. */
const KEPT = /^!|@license|@preserve|@cc_on|copyright/i;

/**
 * JavaScript without its comments.
 * @param {string} source a module, or a classic script that is one as well
 * @throws {SyntaxError} where the source cannot be parsed
 */
export function withoutComments(source) {
  /** @type {Range[]} */
  const comments = [];
  parse(source, {
    ecmaVersion: "latest",
    sourceType: "module",
    onComment: (_block, text, start, end) => {
      if (!KEPT.test(text)) comments.push({ start, end });
    },
  });
  return cut(source, comments);
}

/**
 * A style sheet without its comments.
 * @param {string} source
 */
export function styleWithoutComments(source) {
  /** @type {Range[]} */
  const comments = [];
  // Strings are matched as well, so that what looks like a comment in one is left alone.
  for (const match of source.matchAll(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\*([^]*?)\*\//g)) {
    const [whole, text] = match;
    if (text !== undefined && !KEPT.test(text))
      comments.push({ start: match.index, end: match.index + whole.length });
  }
  return cut(source, comments);
}

/**
 * A text without some ranges: lines that hold nothing else go with them. Between two pieces of code
 * a space is left, or the line's end that was in the range, which JavaScript reads.
 * @param {string} source
 * @param {Range[]} ranges in their order
 */
function cut(source, ranges) {
  let out = "";
  let at = 0;
  for (const { start, end } of ranges) {
    const ending = source.indexOf("\n", end);
    const lineEnd = ending < 0 ? source.length : ending;
    const before = source.slice(source.lastIndexOf("\n", start - 1) + 1, start);
    const after = source.slice(end, lineEnd);
    const text = source.slice(at, start);
    if (after.trim()) {
      const between = source.slice(start, end).includes("\n") ? "\n" : " ";
      out += before.trim() ? text.trimEnd() + between : text;
      at = end + after.length - after.trimStart().length;
    } else if (before.trim()) {
      out += text.trimEnd();
      at = end;
    } else {
      out += text.slice(0, text.length - before.length);
      at = Math.min(lineEnd + 1, source.length);
      // Of two empty lines that would meet one is left.
      if (!out || out.endsWith("\n\n")) while (source[at] === "\n") at++;
    }
  }
  return out + source.slice(at);
}
