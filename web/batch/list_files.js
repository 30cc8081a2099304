// Files of wildcard lists: .txt files (the name of the file is the name of the list), .json files
// (an object of lists, also inside folders, as Dynamic Prompts has them), and zip files of both.
// What is exported is read again.

import { decodeText } from "../files/text.js";
import { isZip, openZip, pathsIn } from "../files/unzip.js";
import { zip } from "../files/zip.js";
import { batchText as text } from "../strings/batch.js";
import { checkList, listName } from "./lists.js";

/** @typedef {import("./lists.js").List} List */

/** Lists of one import, their characters together, and folders inside folders of a JSON file. */
const [LISTS_MAX, CHARACTERS_MAX, DEPTH_MAX] = [5000, 50_000_000, 20];

/**
 * The lists of files.
 * @param {{ path: string, file: Blob }[]} files
 * @returns {Promise<List[]>} of two with one name the last
 * @throws {Error} that names the file, if one cannot be read
 */
export async function readListFiles(files) {
  /** @type {Map<string, List>} */
  const found = new Map();
  for (const { path, file } of files) {
    try {
      for (const list of await listsOf(path, file)) found.set(list.name, list);
      checkAll([...found.values()]);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(text.notImported(path, message), { cause: error });
    }
  }
  return [...found.values()];
}

/** @param {List[]} lists */
function checkAll(lists) {
  const characters = lists.reduce((sum, { text: own }) => sum + own.length, 0);
  if (lists.length > LISTS_MAX || characters > CHARACTERS_MAX)
    throw new Error(text.tooManyLists(LISTS_MAX, CHARACTERS_MAX));
}

/** @param {string} path @param {Blob} file @returns {Promise<List[]>} */
async function listsOf(path, file) {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (isZip(head)) return listsOfZip(file);
  if (!/\.(txt|json)$/i.test(path)) return [];
  return listsIn(path, new Uint8Array(await file.arrayBuffer()));
}

/** @param {Blob} file @returns {Promise<List[]>} */
async function listsOfZip(file) {
  const paths = (await pathsIn(file)).filter((one) => /\.(txt|json)$/i.test(one));
  const read = await openZip(file);
  /** @type {List[]} */
  const made = [];
  for (const path of paths) {
    const bytes = await read(path);
    if (bytes) made.push(...listsIn(path, bytes));
    checkAll(made);
  }
  return made;
}

/** @param {string} path @param {Uint8Array} bytes @returns {List[]} */
function listsIn(path, bytes) {
  const own = decodeText(bytes).replace(/^\ufeff/, "");
  if (/\.json$/i.test(path)) return listsOfJson(JSON.parse(own), "", 0);
  return [listOf(path, own)];
}

/** @param {string} name @param {string} own */
function listOf(name, own) {
  const list = { name: listName(name), text: own };
  checkList(list.name, own);
  return list;
}

/**
 * Lists are texts or arrays of texts; objects are folders; all else is left out.
 * @param {unknown} value
 * @param {string} name
 * @param {number} depth
 * @returns {List[]}
 */
function listsOfJson(value, name, depth) {
  if (depth > DEPTH_MAX) throw new Error(text.foldersTooDeep(DEPTH_MAX));
  if (typeof value === "string" && name) return [listOf(name, value)];
  if (Array.isArray(value) && name) {
    const lines = value.filter((line) => ["string", "number"].includes(typeof line));
    return [listOf(name, lines.map((line) => String(line).replace(/\s*\n\s*/g, " ")).join("\n"))];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([own, inner]) =>
    listsOfJson(inner, name ? `${name}/${own}` : own, depth + 1),
  );
}

/** All lists as one zip file of .txt files. @param {List[]} lists */
export function zipOfLists(lists) {
  const made = new Date();
  return zip(
    lists.map(({ name, text: own }) => ({ name: `${name}.txt`, blob: new Blob([own]), made })),
  );
}

/** All lists as one JSON file. @param {List[]} lists */
export function jsonOfLists(lists) {
  const all = Object.fromEntries(lists.map(({ name, text: own }) => [name, own]));
  return new Blob([JSON.stringify(all, null, 2)], { type: "application/json" });
}
