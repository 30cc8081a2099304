// What the built site says of what it is made of, and that it says nothing of who built it.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isPermissive, linkedCrates } from "../../scripts/licences.mjs";
import { SITE } from "./harness/site.mjs";

const ROOT = join(import.meta.dirname, "../..");

test("licence expressions are read as SPDX has them", () => {
  for (const [expression, good] of /** @type {const} */ ([
    ["MIT", true],
    ["MIT OR GPL-3.0-only", true],
    ["MIT AND GPL-3.0-only", false],
    ["(MIT OR Apache-2.0) AND Unicode-3.0", true],
    ["(MIT OR Apache-2.0) AND (GPL-2.0-only OR LGPL-3.0-only)", false],
    ["Apache-2.0 WITH LLVM-exception", true],
    ["MIT/Apache-2.0", true],
    ["GPL-3.0-only OR MPL-2.0", false],
    ["", false],
    ["MIT OR (", false],
    ["MIT Apache-2.0", false],
  ])) {
    assert.equal(isPermissive(expression), good, `"${expression}"`);
  }
});

test("the site carries the notices of everything that its wasm is linked with", async () => {
  const text = await readFile(join(SITE, "licences.txt"), "utf8");
  const crates = linkedCrates();
  for (const name of ["wgpu", "candle-core", "tokenizers", "wasm-bindgen", "serde"])
    assert.ok(
      crates.some((crate) => crate.name === name),
      `${name} is linked`,
    );
  for (const { name, version } of crates) assert.ok(text.includes(`  ${name} ${version}: `), name);
  for (const file of ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.md"])
    assert.ok(text.includes((await readFile(join(ROOT, file), "utf8")).trim()), file);
  // What only tests or other platforms need is not in it.
  for (const name of ["naga-test", "clap", "windows-sys"])
    assert.ok(!crates.some((crate) => crate.name === name), name);
  const page = await readFile(join(SITE, "index.html"), "utf8");
  assert.match(page, /href="licences\.txt"/);
});

test("nothing in the site names a folder of the machine that built it", async () => {
  const entries = await readdir(SITE, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const names = [homedir(), ROOT, process.env["CARGO_HOME"], process.env["CARGO_TARGET_DIR"]];
  const folders = names.filter((name) => name && name.length > 1).map((name) => `${name}/`);
  let wasm = 0;
  for (const { parentPath, name } of files) {
    const bytes = await readFile(join(parentPath, name));
    for (const folder of folders) assert.ok(!bytes.includes(folder), `${name} names ${folder}`);
    if (name.endsWith(".wasm")) wasm += bytes.includes("crates/") ? 1 : 0;
  }
  assert.equal(wasm, 1, "panics still say where, by crate");
});
