// The list of hashes of a built site: one line for each file that is served, as `sha256sum -c`
// reads it. The list's own SHA-256 is the hash of the whole tree: who compares that compares every
// byte.

import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** The list's name in the site. */
export const SUMS = "SHA256SUMS";

/** What can stand in an address as it is, and in a list without escapes. */
const PLAIN = /^[A-Za-z0-9._/-]+$/;

/** @param {string | Buffer} bytes */
export const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

/**
 * Paths of all files below a folder of the site, in the order of their bytes.
 * @param {string} dist
 * @param {string} [folder]
 */
export async function pathsIn(dist, folder = ".") {
  const entries = await readdir(join(dist, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

/**
 * The lines of all files but the list itself and those that `but` names.
 * @param {string} dist
 * @param {string[]} [but]
 */
export async function sumsOf(dist, but = []) {
  const lines = [];
  for (const path of await pathsIn(dist)) {
    if (path === SUMS || but.includes(path)) continue;
    if (!PLAIN.test(path)) throw new Error(`The site has a file with an odd name: "${path}".`);
    lines.push(`${hashOf(await readFile(join(dist, path)))}  ${path}\n`);
  }
  return lines.join("");
}

/**
 * Writes the list; the hash of the tree.
 * @param {string} dist
 */
export async function writeSums(dist) {
  const sums = await sumsOf(dist);
  await writeFile(join(dist, SUMS), sums);
  return hashOf(sums);
}
