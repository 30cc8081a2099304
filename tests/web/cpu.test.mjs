// The app where the CPU computes, by the second implementation: chosen by the address, or by itself
// where there is no WebGPU or only a program that plays an adapter.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { REQUEST, difference, nativePicture, testModels } from "./harness/native.mjs";
import { PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";

const folder = await testModels();
const server = { roots: [folder, SITE] };
const tiny = "#model=models/tiny&steps=3&seed=1";

/** A file that a model may have or not is asked for, and browsers put the answer on the console. */
const MAYBE = /404|WebGPU|adapter/;

/** @param {Partial<Parameters<typeof visit>[1]>} more */
const options = (more = {}) => ({
  server,
  device: /** @type {const} */ ("cpu"),
  patience: PICTURE_MS,
  expected: MAYBE,
  ...more,
});

/** A page that browsers do not trust has no WebGPU, whatever the machine has. */
const untrusted = {
  host: "darkroom.test",
  flags: ["--host-resolver-rules=MAP darkroom.test 127.0.0.1"],
};

/** @typedef {Awaited<ReturnType<typeof visit>>} App */

/**
 * The picture of a request by the adapter and by the CPU: the same to 2 of 255.
 * @param {import("node:test").TestContext} t
 * @param {App} app
 * @param {string} model folder
 */
async function compareWithAdapter(t, { make }, model) {
  const { steps, guidance_scale, ...texts } = REQUEST;
  const numbers = { steps: String(steps), guidance_scale: String(guidance_scale) };
  const ours = await make({ ...texts, ...numbers });
  assertPicture(ours);
  const most = difference(ours, await nativePicture(model));
  t.diagnostic(`the pictures differ by ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);
}

test("auto leaves a software adapter to the CPU, and says so", async (t) => {
  const app = await visit(t, options({ hash: `${tiny}&device=auto&precision=f16` }));
  const { page, state, make, type, generate, complaint } = app;
  await state("ready");
  const notices = (await page.locator("#notices").textContent()) ?? "";
  assert.match(notices, /only a software adapter/);
  assert.match(notices, /precision that was asked for is ignored/);
  const first = await make({});
  assert.ok((await make({})).bytes.equals(first.bytes), "the second run differs");
  await t.test("the picture is the adapter's", (t) =>
    compareWithAdapter(t, app, join(folder, "models/tiny")),
  );
  await t.test("cancel is heard after each evaluation", () => checkCancel(app));
  await t.test("a size beyond the memory is a sentence", async () => {
    await type({ width: "4096", height: "4096" });
    await generate.click();
    assert.match(await complaint(), /size is too large for the CPU/);
    await state("ready");
  });
  await t.test("the next visit does not say again that there is no graphics card", async () => {
    await page.reload();
    await state("ready");
    const again = (await page.locator("#notices").textContent()) ?? "";
    assert.doesNotMatch(again, /only a software adapter/);
    assert.match(again, /precision that was asked for is ignored/);
    assert.match((await page.locator("#engine-facts").textContent()) ?? "", /on the CPU/);
  });
});

/** @param {App} app */
async function checkCancel({ page, state, stepping, type, generate, make }) {
  // A step of this size takes longer than the page needs to tell of it.
  await type({ steps: "500", width: "256", height: "256" });
  await generate.click();
  await stepping();
  const text = page.locator("#progress-text");
  const step = async () => Number(/\d+/.exec((await text.textContent()) ?? ""));
  // Looked at and clicked in one go, so that no step comes between.
  const before = await page.evaluate(() => {
    const step = /\d+/.exec(document.getElementById("progress-text")?.textContent ?? "");
    document.getElementById("cancel")?.click();
    return Number(step);
  });
  await state("ready");
  assert.equal(await text.textContent(), `Cancelled after step ${await step()}.`);
  // The step that was told of meanwhile, and the one that then runs.
  assert.ok((await step()) <= before + 2, `clicked at step ${before}, ended after ${await step()}`);
  assertPicture(await make({ steps: "3", width: "64", height: "64" }));
}

test("a page without WebGPU draws, unless WebGPU is asked for", async (t) => {
  const { page, state, make, complaint } = await visit(
    t,
    options({ ...untrusted, hash: `${tiny}&device=auto` }),
  );
  await state("ready");
  assert.equal(await page.evaluate(() => "gpu" in navigator), false);
  assert.match((await page.locator("#notices").textContent()) ?? "", /no WebGPU here/);
  assertPicture(await make({}));
  await page.evaluate((hash) => (location.hash = hash), `${tiny}&device=webgpu`);
  await state("error");
  assert.match(await complaint(), /WebGPU is not available/);
});

test("the CPU can be chosen beside an adapter, in f32 only", async (t) => {
  const { page, state, complaint } = await visit(t, options({ hash: `${tiny}&precision=f16` }));
  await state("error");
  assert.match(await complaint(), /precision can only be f32 on the CPU/);
  await page.evaluate((hash) => (location.hash = hash), `${tiny}&device=abacus`);
  await state("loading");
  await state("error");
  assert.match(await complaint(), /device must be auto, webgpu or cpu/);
});

test("a model beyond a page's memory is refused with the reason", async (t) => {
  const hash = "#model=models/large&device=auto";
  const { state, complaint } = await visit(t, options({ ...untrusted, hash }));
  await state("error");
  assert.match(await complaint(), /no WebGPU here.* needs 3\.\d GB .* there are 3\.2 GB/);
});

test("the built-in model draws what it draws on an adapter", async (t) => {
  const app = await visit(t, options({ hash: "#device=cpu" }));
  await app.state("ready");
  await compareWithAdapter(t, app, join(import.meta.dirname, "../../web/models/demo"));
});

test("Cancel takes effect within 2 s in a step of minutes, and the model stays", async (t) => {
  const app = await visit(t, options({ hash: "#device=cpu&steps=28&seed=1" }));
  const { page, state, type, generate, cancelWithin, make } = app;
  await state("ready");
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  await type({ width: "512", height: "768" });
  await generate.click();
  await page.locator("#progress-text").filter({ hasText: "Step 0 of 28" }).waitFor();
  await cancelWithin(2000);
  assert.equal(await page.locator("#progress-text").textContent(), "Cancelled.");
  assertPicture(await make({ width: "", height: "", steps: "2" }));
});
