// Expands rows by the lists that this browser stores.

import { expands } from "../request/expands.js";
import { Book } from "./book.js";
import { expandRow } from "./expand.js";
import { readLists } from "./lists.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {import("./expand.js").Expanded} Expanded */

/** The lists of this browser. Where storage is blocked there are none. */
export async function storedBook() {
  const lists = await readLists().catch(() => []);
  return new Book(lists.map(({ name, text }) => [name, text]));
}

/**
 * One row for each picture of those that have something to expand; the others as they are.
 * @param {Row[]} rows
 * @returns {Promise<Expanded[]>}
 * @throws {Error} with the field that cannot be expanded
 */
export async function expandRows(rows) {
  const book = await storedBook();
  return rows.flatMap((fields) => (expands(fields) ? expandRow(fields, book) : [{ fields }]));
}
