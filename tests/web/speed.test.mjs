// The room "Speed": an evaluation measured kernel by kernel, its table and its file; which kernels
// run, kept over a reload. In a real browser with a real engine, but for its manners.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { PROGRAM, testModels } from "./harness/native.mjs";
import { DOUBLE, PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";

const folder = await testModels();
const hash = "#model=models/tiny&steps=3&seed=1";
const real = {
  hash: `${hash}&device=webgpu`,
  server: { roots: [folder, SITE] },
  patience: PICTURE_MS,
  expected: /404/,
};
const double = { server: { roots: DOUBLE }, hash: "#steps=3" };

/** @typedef {Awaited<ReturnType<typeof visit>>} App */

/** @param {App} app */
async function enter({ page, state }) {
  await state("ready");
  await page.locator('#views [data-view="speed"]').click();
  // The view is loaded when it is first shown; until then nothing in it can be pressed.
  await page.locator("#kernels-fixed:enabled").waitFor();
}

/**
 * The bytes of a picture; the room is this one again afterwards.
 * @param {App} app
 */
async function drawn(app) {
  await app.page.locator('#views [data-view="create"]').click();
  const picture = await app.make({});
  assertPicture(picture);
  await app.page.locator('#views [data-view="speed"]').click();
  return picture.bytes;
}

/**
 * The texts of the table's cells, row by row: head, kernels, all of them.
 * @param {App} app
 */
async function table({ page }) {
  await page.locator("#speed-table").waitFor();
  return page
    .locator("#speed-table tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent ?? "")),
    );
}

/**
 * The file that the page gives.
 * @param {App} app
 */
async function savedFile({ page }) {
  const coming = page.waitForEvent("download");
  await page.locator("#speed-json").click();
  const download = await coming;
  assert.match(download.suggestedFilename(), /^darkroom-speed-[\dT-]+\.json$/);
  return JSON.parse(await readFile(await download.path(), "utf8"));
}

/** Dispatches by kernel, as the program counts them on its own adapter. */
async function countedNatively() {
  const words = ["bench", "--model", join(folder, "models/tiny"), "--runs", "1"];
  const { stdout } = await promisify(execFile)(PROGRAM, words);
  const rows = [...stdout.matchAll(/^([a-z]\w*) +(\d+) +[\d.]+ +[\d.]+ +[\d.]+ .*%$/gm)];
  return Object.fromEntries(rows.map(([, kernel, count]) => [kernel, Number(count)]));
}

test("an evaluation is measured", async (t) => {
  // One page for all: kernels are compiled once.
  const app = await visit(t, real);
  await app.state("ready");
  await t.test("a size that cannot be is a sentence, and costs nothing", () => oddSizes(app));
  await t.test("a measurement can be cancelled", () => cancelled(app));
  await t.test("it is shown as a table, and saved as a file", () => measured(app));
  await t.test("the model draws on", async () => {
    await app.page.locator('#views [data-view="create"]').click();
    assertPicture(await app.make({}));
  });
  await t.test("the next file has the image's time", async () => {
    await enter(app);
    await app.page.locator("#speed-measure").press("Enter");
    const ended = /^An evaluation takes/;
    await app.patiently(app.page.locator("#speed-status").filter({ hasText: ended }));
    const { pictures } = await savedFile(app);
    assert.equal(pictures.length, 1);
    assert.equal(pictures[0].steps, 3);
    assert.ok(pictures[0].seconds > 0 && pictures[0].size.length === 2);
  });
});

/** @param {App} app */
async function oddSizes({ page, state, type }) {
  const says = async (/** @type {Record<string, string>} */ fields, /** @type {RegExp} */ what) => {
    await page.locator('#views [data-view="create"]').click();
    await type(fields);
    await page.locator('#views [data-view="speed"]').click();
    await page.locator("#speed-measure").click();
    await page.locator("#speed-status").filter({ hasText: what }).waitFor();
    await state("ready");
  };
  await says({ width: "0", height: "wide" }, /height must be a whole number/);
  await says({ height: "" }, /width must be a positive multiple/);
  await page.locator('#views [data-view="create"]').click();
  await type({ width: "" });
}

/** @param {App} app */
async function cancelled(app) {
  const { page, state } = app;
  await enter(app);
  // From within the page: a measurement may be over before a key comes from outside. What has the
  // focus meanwhile is Cancel.
  await page.evaluate(() => {
    const bar = /** @type {HTMLElement} */ (document.getElementById("speed-bar"));
    const seen = new MutationObserver(() => {
      if (!bar.hasAttribute("value")) return;
      seen.disconnect();
      const focused = document.activeElement;
      if (focused instanceof HTMLElement && focused.id === "speed-cancel") focused.click();
    });
    seen.observe(bar, { attributes: true });
  });
  await page.locator("#speed-measure").click();
  await page.locator("#speed-status").filter({ hasText: "Cancelled." }).waitFor();
  await state("ready");
  assert.ok(await page.locator("#speed-result").isHidden());
  assert.ok(await page.locator("#speed-json").isDisabled());
}

/** @param {App} app */
async function measured(app) {
  const { page } = app;
  await enter(app);
  const before = Date.now();
  await page.locator("#speed-measure").press("Enter");
  const focus = () => page.evaluate(() => document.activeElement?.id);
  assert.equal(await focus(), "speed-cancel");
  const ended = /^An evaluation takes [\d.]+ m?s/;
  await app.patiently(page.locator("#speed-status").filter({ hasText: ended }));
  assert.equal(await focus(), "speed-measure");
  const [head = [], ...rows] = await table(app);
  assert.equal(head.length, 7);
  const total = rows.pop() ?? [];
  const counts = Object.fromEntries(rows.map(([kernel, count]) => [kernel, Number(count)]));
  assert.deepEqual(counts, await countedNatively(), "dispatches by kernel");
  const sum = Object.values(counts).reduce((all, count) => all + count, 0);
  assert.equal(Number(total[1]), sum);

  const file = await savedFile(app);
  const [evaluation] = file.evaluations;
  assert.equal(evaluation.kernels.length, rows.length);
  for (const [i, kernel] of evaluation.kernels.entries()) {
    const [name = "", count, ms, share, gflops, ofPeak, ofCopy] = rows[i] ?? [];
    assert.equal(kernel.kernel, name);
    assert.equal(kernel.dispatches, Number(count), name);
    same(ms, 1e3 * kernel.seconds, name);
    same(share, (100 * kernel.seconds) / evaluation.kernels_seconds, name);
    same(gflops, kernel.gflop / kernel.seconds, name);
    same(ofPeak, 100 * kernel.of_peak, name);
    same(ofCopy, 100 * kernel.of_copy, name);
  }
  const together = (/** @type {string} */ field) =>
    evaluation.kernels.reduce(
      (/** @type {number} */ all, /** @type {any} */ kernel) => all + kernel[field],
      0,
    );
  assert.ok(Math.abs(together("seconds") / evaluation.kernels_seconds - 1) < 1e-9);
  same(total[2], 1e3 * together("seconds"), "all");
  same(total[4], together("gflop") / together("seconds"), "all");
  assert.match(file.version, /^\d+\.\d+\.\d+$/);
  assert.match(file.browser, /Chrome/);
  assert.match(file.adapter, /swiftshader/i);
  assert.equal(file.model, "models/tiny");
  assert.equal(file.choice.kernels, "fixed");
  assert.match(file.tuning, /^matmul=direct8 conv2d=direct8/);
  assert.match(file.choice.id, /^[0-9a-f]{8}$/);
  const date = Date.parse(file.date);
  assert.ok(date >= before && date <= Date.now(), file.date);
  assert.ok(evaluation.seconds > 0 && file.peaks.gflops > 0 && file.peaks.gbps > 0);
  const { gpu_bytes, gpu_bytes_peak, wasm_bytes } = file.memory;
  assert.ok(0 < gpu_bytes && gpu_bytes <= gpu_bytes_peak && wasm_bytes > 0, file.memory);
  await sameFieldsNatively(file);
  const facts = (await page.locator("#speed-facts").textContent()) ?? "";
  assert.ok(facts.includes(`fixed: ${file.tuning} (${file.choice.id})`), facts);
}

/**
 * The page's file has every field of the program's, one level down as well.
 * @param {Record<string, any>} file
 */
async function sameFieldsNatively(file) {
  const json = join(await mkdtemp(join(tmpdir(), "darkroom-speed-")), "bench.json");
  const words = ["bench", "--model", join(folder, "models/tiny"), "--runs", "1", "--json", json];
  await promisify(execFile)(PROGRAM, words);
  const native = JSON.parse(await readFile(json, "utf8"));
  assert.equal(file["schema"], native.schema);
  const missing = (/** @type {object} */ from, /** @type {object} */ to) =>
    Object.keys(from).filter((name) => !(name in to));
  assert.deepEqual(missing(native, file), []);
  assert.deepEqual(missing(native.evaluations[0], file["evaluations"][0]), []);
}

/**
 * Whether a cell is this number, rounded.
 * @param {string | undefined} cell
 * @param {number} value
 * @param {string} name
 */
function same(cell = "", value, name) {
  const shown = Number(cell.replace(" %", ""));
  const digits = /\.(\d+)/.exec(cell)?.[1]?.length ?? 0;
  assert.ok(Math.abs(shown - value) <= 0.51 * 10 ** -digits, `${name}: ${cell} is not ${value}`);
}

/**
 * The choices that the browser keeps, with what each is kept under, in the page.
 * @returns {Promise<[string, string][]>}
 */
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

test("tuned kernels are measured once, kept over a reload, and can be forgotten", async (t) => {
  const app = await visit(t, real);
  const { page, state } = app;
  await enter(app);
  const forget = page.locator("#kernels-forget");
  assert.ok(await forget.isHidden());
  await page.locator("#kernels-fixed").press("ArrowDown");
  await app.patiently(
    page.locator("#speed-status").filter({ hasText: "the fastest on this device" }),
  );
  await state("ready");
  const choice = async () =>
    /measured: (matmul=\w+ conv2d=\w+ .*) \([0-9a-f]{8}\)/.exec(
      (await page.locator("#speed-facts").textContent()) ?? "",
    )?.[1];
  const first = await choice();
  assert.ok(first, "the kernels are told");
  assert.match(first, /^matmul=direct(8|16) conv2d=direct(8|16) attention=(direct|shared)$/);
  const found = await page.evaluate(kept);
  assert.deepEqual(
    found.map(([, text]) => text),
    [first],
    "one adapter, one choice",
  );
  assert.ok(await forget.isVisible());
  const picture = await drawn(app);
  await page.reload();
  await enter(app);
  assert.ok(await page.locator("#kernels-tuned").isChecked());
  assert.equal(await choice(), first);
  assert.deepEqual(await page.evaluate(kept), found);
  assert.ok((await drawn(app)).equals(picture), "another picture after a reload");
  await forget.click();
  await app.patiently(page.locator("#speed-status").filter({ hasText: "measured again" }));
  assert.ok(await choice());
  await page.locator("#kernels-fixed").click();
  await page.locator("#speed-status").filter({ hasText: "the fixed kernels" }).waitFor();
  assert.ok(await forget.isHidden());
  await page.reload();
  await enter(app);
  assert.ok(await page.locator("#kernels-fixed").isChecked());
});

test("the address goes before what is kept, and gives way to a new choice", async (t) => {
  const app = await visit(t, { ...double, hash: "#steps=3&kernels=tuned" });
  const { page, state } = app;
  await enter(app);
  assert.ok(await page.locator("#kernels-tuned").isChecked());
  await page.locator("#kernels-fixed").click();
  await page.locator("#speed-status").filter({ hasText: "the fixed kernels" }).waitFor();
  await state("ready");
  assert.doesNotMatch(page.url(), /kernels/);
  assert.match(page.url(), /steps=3/);
});

test("on the CPU there is nothing to measure, and the room says why", async (t) => {
  const app = await visit(t, { ...real, hash: `${hash}&device=cpu`, device: "cpu" });
  const { page } = app;
  await enter(app);
  assert.ok(await page.getByText("there is nothing to measure").isVisible());
  assert.ok(await page.getByRole("button", { name: "Measure", exact: true }).isDisabled());
  assert.match((await page.locator("#speed-facts").textContent()) ?? "", /the CPU/);
});

test("what the adapter's clock is too coarse for is no number", async (t) => {
  const app = await visit(t, double);
  await enter(app);
  await app.page.locator("#speed-measure").click();
  const rows = await table(app);
  assert.deepEqual(rows[3], ["sum", "1", "0.00", "0.0 %", "–", "–", "–"]);
  assert.equal(rows.at(-1)?.[1], "79");
  const [evaluation] = (await savedFile(app)).evaluations;
  assert.deepEqual([evaluation.kernels[2].kernel, evaluation.kernels[2].seconds], ["sum", 0]);
});
