// Grids in this browser's storage: the pictures that their cells begin with stay, and what happened
// meanwhile is not undone. The page's own modules work on its own databases; a double stands in the
// engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";
import { storedIn } from "./harness/stored.mjs";

const server = { roots: DOUBLE };

test("start images of a grid's cells stay, those that nothing uses go", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const keys = await page.evaluate(async () => {
    const get = (/** @type {string} */ path) => import(String(new URL(path, location.href)));
    const { keepStartImage } = await get("storage/start_images.js");
    const { transact } = await get("storage/database.js");
    const { addGrid } = await get("batch/grids.js");
    const { takeJobs } = await get("storage/jobs.js");
    /** @type {string[]} */
    const made = [];
    for (const name of ["start", "mask", "control", "unused"])
      made.push(await keepStartImage(new Blob([name])));
    const [initial, mask, image] = made;
    const controls = `[{"name":"a","image":"${image}"}]`;
    const scale = { label: "", values: [""] };
    const cells = [{ fields: { initial, mask, controls } }];
    await addGrid({ title: "a", scales: [scale, scale, scale], cells });
    await takeJobs(() => true);
    await transact(["initials"], "readwrite", (/** @type {IDBObjectStore} */ store) => {
      for (const key of made) {
        const reading = store.get(Number(key));
        reading.onsuccess = () => void store.put({ ...reading.result, made: 0 }, Number(key));
      }
    });
    return made;
  });
  assert.equal(keys.length, 4);
  await page.reload();
  await state("ready");
  await page.waitForFunction(async () => {
    const { transact } = await import(String(new URL("storage/database.js", location.href)));
    const count = (/** @type {IDBObjectStore} */ store) => store.count();
    return (await transact(["initials"], "readonly", count)) < 4;
  });
  const left = await page.evaluate(async (keys) => {
    const path = String(new URL("storage/start_images.js", location.href));
    const { startImageFile } = await import(path);
    return Promise.all(keys.map(async (key) => (await startImageFile(key))?.text()));
  }, keys);
  assert.deepEqual(left, ["start", "mask", "control", undefined]);
});

test("a cell that began to run meanwhile stays; what was removed does not come back", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const told = await page.evaluate(async () => {
    const get = (/** @type {string} */ path) => import(String(new URL(path, location.href)));
    const { addGrid, dropGrid, stopCells } = await get("batch/grids.js");
    const { changeJob, listJobs } = await get("storage/jobs.js");
    const scale = { label: "", values: [""] };
    const cells = ["a", "b"].map((prompt) => ({ fields: { prompt } }));
    const grid = await addGrid({ title: "a", scales: [scale, scale, scale], cells });
    const states = async () =>
      (await listJobs()).map((/** @type {any} */ { fields, state }) => `${fields.prompt} ${state}`);
    const [first, second] = await listJobs();
    await changeJob({ ...first, state: "running" }, "waiting");
    // Both waited when this was asked for.
    await stopCells(grid);
    const stopped = await states();
    const revived = await changeJob({ ...second, state: "done" });
    const back = await dropGrid(grid);
    await changeJob({ ...first, state: "done" }, "running");
    await back();
    return { stopped, revived, after: await states() };
  });
  assert.deepEqual(told, { stopped: ["a running"], revived: false, after: ["a done"] });
  assert.equal((await storedIn(page, "grids", "darkroom-batch")).length, 1);
});
