// How much graphics memory the engine may take: the user's choice, what the browser says of the
// device, and what the adapter could not hold, which is remembered for some days. A double is the
// engine, and says what it was told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const options = { server: { roots: DOUBLE }, hash: "#model=models/short" };
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * What the engine says it was told, once the model is open.
 * @param {Awaited<ReturnType<typeof visit>>} app
 * @returns {Promise<{ memory?: string, memory_refused?: number, mobile?: boolean }>}
 */
async function told({ page, state }) {
  await state("ready");
  const notices = (await page.locator("#notices").textContent()) ?? "";
  const json = /told: (\{.*?\}) \(double\)/.exec(notices)?.[1];
  assert.ok(json, notices);
  return JSON.parse(json);
}

test("what the adapter could not hold is remembered for a week", async (t) => {
  const app = await visit(t, options);
  assert.equal((await told(app)).memory_refused, undefined);
  await app.page.reload();
  assert.equal((await told(app)).memory_refused, 2_700_000_000);
  // What is stored is made older: a worker's clock cannot be set.
  await app.page.evaluate(async (ms) => {
    const open = indexedDB.open("darkroom-kernels");
    await new Promise((done) => (open.onsuccess = done));
    const store = open.result.transaction("tunings", "readwrite").objectStore("tunings");
    const keys = store.getAllKeys();
    await new Promise((done) => (keys.onsuccess = done));
    const put = store.put(`2700000000 ${Date.now() - ms}`, String(keys.result[0]));
    await new Promise((done) => (put.onsuccess = done));
    open.result.close();
  }, WEEK_MS);
  await app.page.reload();
  assert.equal((await told(app)).memory_refused, undefined);
});

test("a computer is told from a phone and a tablet", async (t) => {
  assert.equal((await told(await visit(t, options))).mobile, undefined);
  const mac =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15";
  const android = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/150.0.0.0";
  const touch = () =>
    Object.defineProperty(Navigator.prototype, "maxTouchPoints", { get: () => 5 });
  const none = () => {};
  for (const [userAgent, before, mobile] of /** @type {const} */ ([
    [`${android} Mobile Safari/537.36`, touch, true],
    [`${android} Safari/537.36`, touch, true],
    [mac, touch, true],
    [mac, none, undefined],
  ])) {
    const app = await visit(t, { ...options, before, context: { userAgent } });
    assert.equal((await told(app)).mobile, mobile, userAgent);
  }
});

test("memory is saved where the user chooses it, also after a reload", async (t) => {
  const app = await visit(t, options);
  const { page } = app;
  assert.equal((await told(app)).memory, undefined);
  await page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  await page.getByLabel("Graphics memory").selectOption({ label: "Save memory" });
  await page.locator("#notices").filter({ hasText: '"memory":"less"' }).waitFor();
  assert.match(page.url(), /[#&]memory=less/);
  await page.reload();
  assert.equal((await told(app)).memory, "less");
  assert.equal(await page.getByLabel("Graphics memory").inputValue(), "less");
});
