// Files of wildcard lists: .txt files (the name of the file is the name of the list), .json files
// (an object of lists, also inside folders, as Dynamic Prompts has them), .yaml files of the same,
// and zip files of them.
// A folder that all files of a zip file share is not a part of the names. What is exported is read
// again. Files that cannot be lists are named.

import { decodeText } from "../files/text.js";
import { isZip, openZip, pathsIn } from "../files/unzip.js";
import { zip } from "../files/zip.js";
import { batchText as text } from "../strings/batch.js";
import { yamlText } from "../strings/yaml.js";
import { checkList, isListName, listName } from "./lists.js";
import { readYaml } from "./yaml.js";

/** @typedef {import("./lists.js").List} List */

/** Lists of one import, their characters together, and folders inside folders of a JSON file. */
const [LISTS_MAX, CHARACTERS_MAX, DEPTH_MAX] = [5000, 50_000_000, 20];

/** Files that could be lists, and those of them that are YAML. */
const [LISTS, YAML] = [/\.(txt|json|ya?ml)$/i, /\.ya?ml$/i];

/** Files that systems add to folders and zip files. */
const HIDDEN = /(^|\/)(__MACOSX\/|\.)/;

/** The folder that zip files get, so that no folder of the user's is taken for it. */
const FOLDER = "wildcards";

/**
 * The lists of files.
 * @param {{ path: string, file: Blob }[]} files
 * @returns {Promise<{ lists: List[], left: string[] }>} of two with one name the last; what was
 * left out, by name
 * @throws {Error} that names the file, if one cannot be read
 */
export async function readListFiles(files) {
  /** @type {Map<string, List>} */
  const found = new Map();
  /** @type {string[]} */
  const left = [];
  for (const { path, file } of files) {
    try {
      for (const list of await listsOf(path, file, left)) found.set(list.name, list);
      checkAll([...found.values()]);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(text.notImported(path, message), { cause: error });
    }
  }
  return { lists: [...found.values()], left };
}

/** @param {List[]} lists */
function checkAll(lists) {
  const characters = lists.reduce((sum, { text: own }) => sum + own.length, 0);
  if (lists.length > LISTS_MAX || characters > CHARACTERS_MAX)
    throw new Error(text.tooManyLists(LISTS_MAX, CHARACTERS_MAX));
}

/** @param {string} path @param {Blob} file @param {string[]} left @returns {Promise<List[]>} */
async function listsOf(path, file, left) {
  if (HIDDEN.test(path)) return [];
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (isZip(head)) return listsOfZip(file, left);
  if (!LISTS.test(path)) return [];
  return listsIn(path, new Uint8Array(await file.arrayBuffer()), left);
}

/** @param {Blob} file @param {string[]} left @returns {Promise<List[]>} */
async function listsOfZip(file, left) {
  const paths = (await pathsIn(file)).filter((one) => LISTS.test(one) && !HIDDEN.test(one));
  const top = `${paths[0]?.split("/")[0]}/`;
  const from = paths.every((one) => one.startsWith(top)) ? top.length : 0;
  const read = await openZip(file);
  /** @type {List[]} */
  const made = [];
  for (const path of paths) {
    const bytes = await read(path);
    if (bytes) made.push(...listsIn(path.slice(from), bytes, left));
    checkAll(made);
  }
  return made;
}

/** @param {string} path @param {Uint8Array} bytes @param {string[]} left @returns {List[]} */
function listsIn(path, bytes, left) {
  const own = decodeText(bytes).replace(/^\ufeff/, "");
  if (YAML.test(path)) return listsOfYaml(path, own, left);
  if (/\.json$/i.test(path)) return listsOfJson(JSON.parse(own), "", 0, left);
  return listOf(path, own, left);
}

/**
 * The lists of a YAML file; a list without a name has that of the file. One that cannot be read
 * does not end the import.
 * @param {string} path
 * @param {string} own
 * @param {string[]} left
 */
function listsOfYaml(path, own, left) {
  try {
    const value = readYaml(own, (count) => left.push(text.notRead(path, yamlText.comments(count))));
    return listsOfJson(value, Array.isArray(value) ? path.replace(YAML, "") : "", 0, left);
  } catch (error) {
    left.push(text.notRead(path, /** @type {Error} */ (error).message));
    return [];
  }
}

/**
 * One list, or none where its name is wrong.
 * @param {string} name
 * @param {string} own
 * @param {string[]} left
 */
function listOf(name, own, left) {
  if (!isListName(name)) return (left.push(text.wrongNamed(name)), []);
  const list = { name: listName(name), text: own };
  checkList(list.name, own);
  return [list];
}

/**
 * Lists are texts or arrays of texts; objects are folders; all else is left out.
 * @param {unknown} value
 * @param {string} name
 * @param {number} depth
 * @param {string[]} left
 * @returns {List[]}
 */
function listsOfJson(value, name, depth, left) {
  if (depth > DEPTH_MAX) throw new Error(text.foldersTooDeep(DEPTH_MAX));
  if (typeof value === "string" && name) return listOf(name, value, left);
  if (Array.isArray(value) && name) {
    const lines = value.filter((line) => ["string", "number"].includes(typeof line));
    return listOf(name, lines.map((line) => lineOf(String(line))).join("\n"), left);
  }
  if (typeof value !== "object" || value === null) return [];
  const inside = value instanceof Map ? [...value] : Object.entries(value);
  return inside.flatMap(([own, inner]) =>
    listsOfJson(inner, name ? `${name}/${own}` : own, depth + 1, left),
  );
}

/**
 * An item as a line of a list, where # and // begin a comment: an item that begins so is a text.
 * @param {string} item
 */
const lineOf = (item) =>
  item
    .replace(/\s*\n\s*/g, " ")
    .trim()
    .replace(/^(#|\/\/)/, "\\$1");

/** All lists as one zip file of .txt files. @param {List[]} lists */
export function zipOfLists(lists) {
  const made = new Date();
  return zip(
    lists.map(({ name, text: own }) => {
      return { name: `${FOLDER}/${name}.txt`, blob: new Blob([own]), made };
    }),
  );
}

/** All lists as one JSON file. @param {List[]} lists */
export function jsonOfLists(lists) {
  const all = Object.fromEntries(lists.map(({ name, text: own }) => [name, own]));
  return new Blob([JSON.stringify(all, null, 2)], { type: "application/json" });
}
