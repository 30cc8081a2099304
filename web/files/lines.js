// What the page needs of tables and lists from the start; files are read in table.js.

/** @typedef {import("./table.js").Row} Row */

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
 * A cell of a table with commas. What a spreadsheet would take for a formula has an apostrophe
 * before it; numbers stay numbers.
 * @param {string} text
 */
export function csvCell(text) {
  const formula = /^[=+\-@\t\r]/.test(text) && !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text);
  const cell = formula ? `'${text}` : text;
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
