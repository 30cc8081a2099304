// The user's wildcard lists, stored in this browser by name. A name may have folders: animals/cats.

import { batchText as text } from "../strings/batch.js";
import { changed, transact } from "./database.js";

/** @typedef {{ name: string, text: string }} List */

/** Characters of a list's text, and of its name. */
const [TEXT_MAX, NAME_MAX] = [5_000_000, 200];

/** All lists by name. @returns {Promise<List[]>} */
export function readLists() {
  return transact("lists", "readonly", (lists) => lists.getAll());
}

/**
 * A name as it is stored: without the ending .txt, and without slashes at its ends.
 * @param {string} typed
 * @throws {Error} if a template cannot name it
 */
export function listName(typed) {
  const name = typed
    .replaceAll("\\", "/")
    .replace(/\.txt$/i, "")
    .replace(/^[/\s]+|[/\s]+$/g, "");
  const wrong = /__|[{}|,<>()[\]$*\r\n]|^[_~]|_$/.test(name);
  if (!name || wrong || name.length > NAME_MAX) throw new Error(text.wrongName(typed));
  return name;
}

/** Whether a template can name it. @param {string} typed */
export function isListName(typed) {
  try {
    return !!listName(typed);
  } catch {
    return false;
  }
}

/** @param {string} name @param {string} own its text */
export function checkList(name, own) {
  if (own.length > TEXT_MAX) throw new Error(text.listTooLong(name, TEXT_MAX));
}

/**
 * Stores lists; one of the same name is replaced.
 * @param {List[]} lists
 * @param {string[]} [gone] names of lists that are deleted with it
 */
export async function putLists(lists, gone = []) {
  await transact("lists", "readwrite", (store) => {
    for (const name of gone) store.delete(name);
    for (const list of lists) store.put(list);
  });
  changed();
}
