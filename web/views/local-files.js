// Model files of the user: chosen one by one, as a folder, or dropped.

import { withText } from "../dom.js";

/** @typedef {{ path: string, file: File }[]} Given */

/**
 * A button that asks for files, or for a folder.
 * @param {string} label
 * @param {boolean} folder
 * @param {(files: Given) => void} take
 */
export function fromInput(label, folder, take) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = folder;
  input.addEventListener("change", () => {
    const path = (/** @type {File} */ file) => file.webkitRelativePath || file.name;
    take([...(input.files ?? [])].map((file) => ({ path: path(file), file })));
    input.value = "";
  });
  const button = /** @type {HTMLButtonElement} */ (withText("button", label));
  button.type = "button";
  button.addEventListener("click", () => input.click());
  const both = document.createElement("span");
  const name = withText("label", label);
  name.hidden = true;
  name.append(input);
  both.append(button, name);
  return both;
}

/** A file of a revision in Hugging Face's cache. */
const CACHED = /^(.*\/)?snapshots\/([^/]+)\/(.+)$/;

/**
 * If the files are a folder of Hugging Face's cache, the files of one revision, with the paths of a
 * model's folder: the revision that `main` points to, else the last one. Other files are returned
 * unchanged.
 * @param {Given} files
 * @returns {Promise<Given>}
 */
export async function cacheFiles(files) {
  const cached = files.flatMap(({ path, file }) => {
    const [found, root = "", revision = "", rest = ""] = CACHED.exec(path) ?? [];
    return found ? [{ revision, path: `${root || "model/"}${rest}`, file }] : [];
  });
  const main = files.find(({ path }) => path.endsWith("refs/main"));
  const wanted = (await main?.file.text())?.trim();
  const all = cached.map(({ revision }) => revision).sort();
  const chosen = wanted && all.includes(wanted) ? wanted : all.at(-1);
  return chosen ? cached.filter(({ revision }) => revision === chosen) : files;
}

/** Names of files that are models, or contain them. */
const MODELS = /\.(safetensors|ckpt|gguf|tar|pt|pth|bin)$/i;

/**
 * The dropped files, if they are for the library: a folder (with all files in it), a file with a
 * model's name, or any file that is dropped on the library. Null otherwise.
 * @param {DragEvent} event
 * @returns {Promise<Given> | null}
 */
export function modelsOf({ dataTransfer, target }) {
  // The list of items is empty after the event, so entries are taken now. A file that a script has
  // made has no entry.
  const items = [...(dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
  const given = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const all = given.filter((one) => one !== null);
  const there = target instanceof Element && target.closest("#library");
  const isModel = (/** @type {File | FileSystemEntry} */ one) =>
    (!(one instanceof File) && one.isDirectory) || MODELS.test(one.name);
  if (!all.length || !(there || all.some(isModel))) return null;
  const files = all.map((one) =>
    one instanceof File ? [{ path: one.name, file: one }] : walk(one),
  );
  return Promise.all(files).then((found) => found.flat());
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<Given>}
 */
async function walk(entry) {
  if (entry.isFile) {
    const { file } = /** @type {FileSystemFileEntry} */ (entry);
    const got = await new Promise((resolve, reject) => file.call(entry, resolve, reject));
    return [{ path: entry.fullPath.slice(1), file: /** @type {File} */ (got) }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {Given} */
  const all = [];
  for (;;) {
    // A reader gives the entries in parts; an empty part is the end.
    const part = await new Promise((/** @type {(list: FileSystemEntry[]) => void} */ resolve, no) =>
      reader.readEntries(resolve, no),
    );
    if (!part.length) return all;
    all.push(...(await Promise.all(part.map(walk))).flat());
  }
}

/**
 * Whether several files are each a model or a LoRA of its own, and not the files of one folder.
 * @param {Given} files
 */
export const areAlone = (files) =>
  files.length > 1 && files.every(({ path }) => !path.includes("/") && MODELS.test(path));
