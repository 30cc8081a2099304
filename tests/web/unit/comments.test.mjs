// What is served without comments is the same program.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { parse } from "acorn";
import { styleWithoutComments, withoutComments } from "../../../scripts/comments.mjs";

const web = join(import.meta.dirname, "../../../web");

test("comments go and code stays", () => {
  /** @type {[source: string, wanted: string | null][]} null: as it is */
  const cases = [
    ["// What it is.\n\nconst a = 1; // why\n", "const a = 1;\n"],
    ["const a = 1;\n\n/** @type {number} */\nlet b;\n", "const a = 1;\n\nlet b;\n"],
    ["const a = 1;\n\n// One.\n\n// Two.\n\nlet b;\n", "const a = 1;\n\nlet b;\n"],
    ["f(/** @type {any} */ (x));\n", "f( (x));\n"],
    ["{\n  /** a */ let b;\n}\n", "{\n  let b;\n}\n"],
    // A line's end inside a comment ends a statement.
    ["let a = b/*\n*/++c;\n", "let a = b\n++c;\n"],
    ["typeof/**/a;\n", "typeof a;\n"],
    ['const a = "// no";\nconst b = `/* no */\n\n\n// no`;\n', null],
    ["const a = /[/*]/, b = 1 / 2; /* c */", "const a = /[/*]/, b = 1 / 2;"],
    ["//! Licence: MIT\nlet a;\n", null],
    ["/* @license MIT */\nlet a;\n", null],
  ];
  for (const [source, wanted] of cases) assert.equal(withoutComments(source), wanted ?? source);
});

test("a style sheet's comments go and its strings stay", () => {
  const sheet = '/* All. */\na { color: red; } /* red */\nb::after {\n  content: "/* no */";\n}\n';
  const wanted = 'a { color: red; }\nb::after {\n  content: "/* no */";\n}\n';
  assert.equal(styleWithoutComments(sheet), wanted);
  assert.equal(styleWithoutComments("/*! MIT */\na{}\n"), "/*! MIT */\na{}\n");
});

test("every script of the page is the same program without its comments", async () => {
  const entries = await readdir(web, { recursive: true });
  const scripts = entries.filter((path) => path.endsWith(".js"));
  assert.ok(scripts.length > 80, `only ${scripts.length} scripts`);
  for (const path of scripts) {
    const source = await readFile(join(web, path), "utf8");
    const bare = withoutComments(source);
    assert.equal(withoutComments(bare), bare, path);
    assert.deepEqual(program(bare), program(source), path);
  }
});

/** The syntax tree of a script, without places. @param {string} source */
function program(source) {
  const tree = parse(source, { ecmaVersion: "latest", sourceType: "module" });
  const plain = (/** @type {string} */ key, /** @type {any} */ value) =>
    key === "start" || key === "end" ? undefined : typeof value === "bigint" ? `${value}n` : value;
  return JSON.parse(JSON.stringify(tree, plain));
}
