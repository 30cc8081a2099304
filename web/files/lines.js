// Small parts of reading lists and writing tables that the page needs from the start. The readers
// of files are in table.js.

/** @typedef {import("./table.js").Row} Row */

/**
 * One prompt a line; empty lines are skipped.
 * @param {string} text
 * @returns {Row[]}
 */
export function readLines(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line).map((prompt) => ({ prompt }));
}

/**
 * A cell of a CSV table. A text that a spreadsheet would take for a formula gets an apostrophe
 * before it; numbers stay numbers.
 * @param {string} text
 */
export function csvCell(text) {
  const formula = /^[=+\-@\t\r]/.test(text) && !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text);
  const cell = formula ? `'${text}` : text;
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
