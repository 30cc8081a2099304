// Kernels chosen for the adapter, in a real browser: measured once, kept, and the same picture
// from then on, also after a reload.

import assert from "node:assert/strict";
import { test } from "node:test";
import { testModels } from "./harness/native.mjs";
import { PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";

const roots = [await testModels(), SITE];

/** What the browser keeps, in the page. */
async function kept() {
  const databases = await indexedDB.databases();
  if (!databases.some(({ name }) => name === "darkroom-kernels")) return [];
  /** @type {IDBDatabase} */
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("darkroom-kernels");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const store = database.transaction("tunings").objectStore("tunings");
  /** @param {IDBRequest} request */
  const result = (request) =>
    new Promise((done) => (request.onsuccess = () => done(request.result)));
  const [keys, texts] = [await result(store.getAllKeys()), await result(store.getAll())];
  database.close();
  return keys.map((/** @type {string} */ key, /** @type {number} */ i) => [key, texts[i]]);
}

test("tuned kernels are measured once and kept", async (t) => {
  const hash = "#model=models/tiny&steps=3&seed=1&device=webgpu&kernels=tuned";
  const how = { server: { roots }, hash, patience: PICTURE_MS, expected: /404/ };
  const { page, state, make } = await visit(t, how);
  await state("ready");
  const found = await page.evaluate(kept);
  assert.equal(found.length, 1, "one adapter, one choice");
  assert.match(found[0][1], /^matmul=direct(8|16) conv2d=direct(8|16) attention=(direct|shared)$/);
  const first = await make({});
  assertPicture(first);
  await page.reload();
  await state("ready");
  assert.deepEqual(await page.evaluate(kept), found);
  assert.ok((await make({})).bytes.equals(first.bytes), "another picture after a reload");
});
