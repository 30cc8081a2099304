// The list of hashes of the built site: it has every file, and the same source gives the same list
// in whatever folder and whenever it is built.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { SUMS, hashOf, pathsIn } from "../../../scripts/sums.mjs";

const root = join(import.meta.dirname, "../../..");
const run = promisify(execFile);
const scratch = await mkdtemp(join(tmpdir(), "darkroom-sums-"));
after(() => rm(scratch, { recursive: true }));

/** What the site is made from. */
const SOURCE = ["web", "crate", "scripts", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];
SOURCE.push("package.json", "tests/main.rs", "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.md");

/**
 * Builds the site from a copy of its source, with the same web/pkg.
 * @param {string} folder
 * @param {Record<string, string>} environment
 */
async function builtIn(folder, environment) {
  for (const path of SOURCE)
    await cp(join(root, path), join(folder, path), {
      recursive: true,
      filter: (name) => !/\/(target|node_modules)$/.test(name),
    });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await utimes(join(folder, "web/main.js"), 1e9, 1e9);
  const env = { ...process.env, ...environment };
  const { stdout } = await run(process.execPath, [join(folder, "scripts/site.mjs")], { env });
  return { out: join(folder, "dist"), said: stdout };
}

test("the list has every file, and its own hash is printed as the tree's", async () => {
  const { out, said } = await builtIn(join(scratch, "one"), {});
  const list = await readFile(join(out, SUMS), "utf8");
  const lines = list.trimEnd().split("\n");
  const paths = lines.map((line) => line.slice(66));
  assert.deepEqual(
    paths,
    (await pathsIn(out)).filter((path) => path !== SUMS),
  );
  assert.deepEqual(paths, [...paths].sort());
  for (const line of lines)
    assert.equal(line.slice(0, 64), hashOf(await readFile(join(out, line.slice(66)))), line);
  assert.match(said, new RegExp(`the tree's hash is ${hashOf(list)}\n$`));
  // As the system's own program reads it.
  await run("sha256sum", ["--check", "--quiet", "--strict", SUMS], { cwd: out });
});

test("another folder, another time and another language give the same bytes", async () => {
  const other = { TZ: "Pacific/Auckland", LC_ALL: "de_DE.UTF-8", SOURCE_DATE_EPOCH: "1" };
  const { out } = await builtIn(join(scratch, "another/and/longer/folder"), other);
  const [list, wanted] = await Promise.all(
    [out, join(scratch, "one/dist")].map((folder) => readFile(join(folder, SUMS), "utf8")),
  );
  assert.equal(list, wanted);
  for (const path of await pathsIn(out)) {
    const bytes = await readFile(join(out, path));
    for (const place of [scratch, root]) assert.ok(!bytes.includes(place), `${path}: ${place}`);
  }
});
