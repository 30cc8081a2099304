// Many pictures in one tab: what the graphics device, the page and the engine hold stays the same,
// and the gallery holds them all. Twenty in the short run; with DARKROOM_LONG=1, two hundred.

import assert from "node:assert/strict";
import { test } from "node:test";
import { testModels } from "./harness/native.mjs";
import { PICTURE_MS, SITE, visit } from "./harness/site.mjs";

const LONG = process.env["DARKROOM_LONG"] === "1";
const COUNT = LONG ? 200 : 20;
/** Looks at what is held, the first after the pictures that come before any count. */
const LOOKS = LONG ? 10 : 4;
const WARM = 4;

/** Beyond noise: what a hundred and more closures, list items or latents would keep, in bytes. */
const HEAP_GROWTH_MAX = 3_000_000;

const models = await testModels();

/**
 * The engine's worker as the browser's own tools see it: its JavaScript heap after a collection.
 * @param {import("playwright-core").Page} page
 */
async function heaps(page) {
  const session = await page.context().newCDPSession(page);
  /** @type {Map<number, (value: any) => void>} */
  const waiting = new Map();
  /** @type {string[]} */
  const workers = [];
  let last = 0;
  session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    if (targetInfo.type === "worker") workers.push(sessionId);
  });
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message);
    waiting.get(id)?.(result);
  });
  await session.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  /** @param {string} sessionId @param {string} method @returns {Promise<any>} */
  const ask = (sessionId, method) =>
    new Promise((resolve) => {
      const id = ++last;
      waiting.set(id, resolve);
      const message = JSON.stringify({ id, method });
      void session.send("Target.sendMessageToTarget", { sessionId, message });
    });
  return async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    let ofWorkers = 0;
    for (const worker of workers) {
      await ask(worker, "HeapProfiler.collectGarbage");
      ofWorkers += (await ask(worker, "Runtime.getHeapUsage")).usedSize;
    }
    return { page: usedSize, workers: ofWorkers };
  };
}

/**
 * A number of the row of About with this name.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
async function told(page, name) {
  const row = page.locator("#about dl div").filter({ hasText: name });
  return ((await row.locator("dd").textContent()) ?? "").match(/\d+/g)?.map(Number) ?? [];
}

/** @typedef {{ made: number, seconds: number, gpu: number, buffers: number, wasm: number, page:
 * number, workers: number }} Look */

/** @param {Look[]} looks as lines of a table in Markdown */
function table(looks) {
  const mb = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(2);
  return [
    "| pictures | s per picture | GPU MiB | GPU buffers | wasm MiB | page heap MB | workers MB |",
    "|---:|---:|---:|---:|---:|---:|---:|",
    ...looks
      .map(({ made, seconds, gpu, buffers, wasm, page, workers }) =>
        [made, seconds.toFixed(2), gpu, buffers, wasm, mb(page), mb(workers)].join(" | "),
      )
      .map((row) => `| ${row} |`),
  ];
}

test(`${COUNT} pictures in a row leave everything as it was`, async (t) => {
  const hash = "#model=models/tiny&steps=2&width=32&height=32&device=webgpu";
  const app = await visit(t, {
    server: { roots: [models, SITE] },
    hash,
    patience: LONG ? 4 * PICTURE_MS : PICTURE_MS,
    expected: /404/,
  });
  const { page, state, make } = app;
  await state("ready");
  await make({ prompt: "a first one", count: String(WARM) });
  const weigh = await heaps(page);

  /** @param {number} made @param {number} seconds @returns {Promise<Look>} */
  async function look(made, seconds) {
    // What an earlier look has left there is no answer.
    await page.evaluate(() => document.querySelector("#about dl")?.replaceChildren());
    await page.locator('[data-view="about"]').click();
    await page.locator("#about dl div").filter({ hasText: "Engine memory" }).waitFor();
    const [gpu = NaN, buffers = NaN] = await told(page, "Graphics memory");
    const [wasm = NaN] = await told(page, "Engine memory");
    await page.locator('[data-view="create"]').click();
    const heap = await weigh();
    return { made, seconds, gpu, buffers, wasm, ...heap };
  }

  const looks = [await look(0, 0)];
  for (let i = 1; i <= LOOKS; i++) {
    const count = COUNT / LOOKS;
    const begun = performance.now();
    await make({ prompt: `number ${i}`, seed: String(1000 * i), count: String(count) });
    looks.push(await look(i * count, (performance.now() - begun) / 1000 / count));
  }
  for (const line of table(looks)) t.diagnostic(line);

  const [first, last] = [looks[0], looks.at(-1)];
  assert.ok(first && last && first.gpu > 0 && first.workers > 0);
  assert.deepEqual(new Set(looks.map(({ gpu }) => gpu)).size, 1, "graphics memory");
  assert.deepEqual(new Set(looks.map(({ buffers }) => buffers)).size, 1, "graphics buffers");
  assert.equal(last.wasm, first.wasm, "the wasm's memory");
  assert.ok(last.page - first.page < HEAP_GROWTH_MAX, "the page's heap");
  assert.ok(last.workers - first.workers < HEAP_GROWTH_MAX, "the workers' heap");

  await page.locator('[data-view="gallery"]').click();
  const facts = page.locator("#gallery-facts");
  await facts.filter({ hasText: `${COUNT + WARM} images` }).waitFor();
  const whole = await page.evaluate(async () => {
    const address = new URL("storage/images.js", document.baseURI).href;
    /** @type {typeof import("../../web/storage/images.js")} */
    const { listImages, imageFile } = await import(address);
    const images = await listImages();
    const sizes = await Promise.all(
      images.map(async ({ id, bytes }) => (await imageFile(id))?.size === bytes),
    );
    const seeds = new Set(images.map(({ request }) => request.seed));
    return { files: sizes.filter(Boolean).length, seeds: seeds.size };
  });
  assert.deepEqual(whole, { files: COUNT + WARM, seeds: COUNT + WARM });
});
