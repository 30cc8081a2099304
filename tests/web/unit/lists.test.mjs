// Files of wildcard lists: which names they get, and what is left out and named.

import assert from "node:assert/strict";
import test from "node:test";
import { Book } from "../../../web/batch/book.js";
import { allTexts } from "../../../web/batch/combine.js";
import { splitValues } from "../../../web/batch/values.js";
import { zip } from "../../../web/files/zip.js";

// The page's channels between tabs would keep this process from ending.
globalThis.BroadcastChannel = class extends BroadcastChannel {
  /** @param {string} name */
  constructor(name) {
    super(name);
    /** @type {any} */ (this).unref();
  }
};
const { readListFiles, zipOfLists } = await import("../../../web/batch/list_files.js");

/** @param {string[]} names */
const zipOf = (names) =>
  zip(names.map((name) => ({ name, blob: new Blob(["red\nblue"]), made: new Date(2026, 0, 1) })));

test("a shared folder in a zip is no part of the names, wrong names stop nothing", async () => {
  const names = ["wildcards/colours.txt", "wildcards/animals/cats.txt", "wildcards/a (1).txt"];
  const hidden = ["__MACOSX/wildcards/._colours.txt", "wildcards/.hidden.txt"];
  const file = await zipOf([...hidden, ...names, "wildcards/more.yaml", "README.md"]);
  const { lists, left } = await readListFiles([{ path: "some.zip", file }]);
  assert.deepEqual(lists.map(({ name }) => name).sort(), ["animals/cats", "colours"]);
  // One that cannot be read does not end the import.
  const fault = "more.yaml (line 1: there is no name with a colon, such as “colours:”, and no ";
  assert.deepEqual(left, [
    "a (1).txt (a name that no prompt can have)",
    `${fault}item such as “- red”.)`,
  ]);
});

test("what is exported keeps its names, also where all are in one folder", async () => {
  const own = [{ name: "animals/cats", text: "lion" }];
  const { lists } = await readListFiles([{ path: "x.zip", file: await zipOfLists(own) }]);
  assert.deepEqual(lists, own);
});

test("YAML collections become lists, a list without a name has the file's", async () => {
  const yaml = "clothing:\n  hats:\n    - cap\n    - 2::top hat\n__proto__:\n  - x\nnotes: a\n";
  const files = [
    { path: "all.yaml", file: new Blob([`\ufeff${yaml}`]) },
    { path: "trees.yml", file: new Blob(["- oak\r\n- elm\r\n"]) },
    { path: "empty.yaml", file: new Blob(["# nothing\n"]) },
  ];
  const { lists, left } = await readListFiles(files);
  assert.deepEqual(lists, [
    { name: "clothing/hats", text: "cap\n2::top hat" },
    { name: "notes", text: "a" },
    { name: "trees", text: "oak\nelm" },
  ]);
  assert.deepEqual(left, ["__proto__ (a name that no prompt can have)"]);
});

test("an item that begins with # is a text; in a list of lines it is a comment", async () => {
  const { lists } = await readListFiles([
    { path: "a.yaml", file: new Blob(['colours:\n  - "#ff0000"\n  - "// slashes"\n  - red\n']) },
    { path: "b.json", file: new Blob([JSON.stringify({ codes: [" #1", "two # often"] })]) },
    { path: "c.txt", file: new Blob(["#comment\nred"]) },
  ]);
  const book = new Book(lists.map(({ name, text }) => [name, text]));
  const all = (/** @type {string} */ name) => [...allTexts(book.read(`__${name}__`))];
  assert.deepEqual(all("colours"), ["#ff0000", "// slashes", "red"]);
  assert.deepEqual(all("codes"), ["#1", "two"]);
  assert.deepEqual(all("c"), ["red"]);
});

test("quotes with nothing in them are an empty value", () => {
  assert.deepEqual(splitValues('red,""'), ["red", ""]);
  assert.deepEqual(splitValues("red,, blue,"), ["red", "blue"]);
});
