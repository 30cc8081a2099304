// The browser's own database files damaged on the disk, as by a failing disk or a crash: what was
// stored is either still there or told as lost, and the model can be had again.

import assert from "node:assert/strict";
import { readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { add, assertSame, call, keptProfile } from "./harness/storage.mjs";
import { Weights } from "./harness/weights.mjs";

const CHUNK = 4096;
const SIZES = { "config.json": 300, "unet/model.safetensors": 90_000, "vae.safetensors": 20_000 };

/**
 * The files of a profile's database whose names end so.
 * @param {string} profile
 * @param {RegExp} name
 */
async function databaseFiles(profile, name) {
  const all = await readdir(join(profile, "Default/IndexedDB"), { recursive: true });
  const found = all.filter((path) => /\.leveldb\//.test(path) && name.test(path));
  assert.ok(found.length, `no ${name} among ${all.join(", ")}`);
  return found.map((path) => join(profile, "Default/IndexedDB", path));
}

/** Flips 20 bits, evenly spread. @param {string} path */
async function flip(path) {
  const bytes = await readFile(path);
  for (let i = 0; i < 20; i++) {
    const at = Math.floor(((i + 0.5) * bytes.length) / 20);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  }
  await writeFile(path, bytes);
}

/** What the store says when it is opened. Runs in the page. */
async function look() {
  const { store } = /** @type {any} */ (window);
  /** @type {string[]} */
  const lost = [];
  store.onLost = (/** @type {string[]} */ titles) => lost.push(...titles);
  return { models: (await store.list()).length, lost };
}

for (const [what, damage] of /** @type {[string, (profile: string) => Promise<unknown>][]} */ ([
  [
    "bits of the log are flipped",
    async (profile) => Promise.all((await databaseFiles(profile, /\.log$/)).map(flip)),
  ],
  [
    "the log is cut in half",
    async (profile) => {
      for (const path of await databaseFiles(profile, /\.log$/))
        await truncate(path, (await readFile(path)).length >> 1);
    },
  ],
  [
    "the list of files is cut",
    async (profile) => {
      for (const path of await databaseFiles(profile, /MANIFEST-\d+$/)) await truncate(path, 10);
    },
  ],
]))
  test(`damaged database, ${what}: what was stored is there or told as lost`, async (t) => {
    const weights = new Weights(SIZES);
    const { folder, visit } = await keptProfile(t, weights);
    await visit(async (page) => {
      await add(page, weights.manifest(CHUNK, "chunks"));
      assert.equal((await call(page, "download")).fault, null);
    });
    await damage(folder);
    await visit(async (page) => {
      const { models, lost } = await page.evaluate(look);
      assert.deepEqual([models, lost], models ? [1, []] : [0, ["A test"]]);
      if (!models) await add(page, weights.manifest(CHUNK, "chunks"));
      else if (what === "the list of files is cut") assert.fail("the damage did nothing");
      // What was written last may be gone: it is fetched, and everything else is verified.
      assert.equal((await call(page, "download")).fault, null);
      assert.equal((await call(page, "verify")).fault, null);
      await assertSame(page, weights);
    });
  });
