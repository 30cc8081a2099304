// The page in Firefox: another engine under the same page, with WebGPU on Mesa's lavapipe. The
// flows that matter, in one browser; what is particular to a part of the page is tested in
// Chromium.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { seriousFaults } from "../harness/axe.mjs";
import { dropped, pngWith } from "../harness/files.mjs";
import { REQUEST, difference, nativePicture, testModels } from "../harness/native.mjs";
import { decodePng } from "../harness/png.mjs";
import { CAT, RECORDS } from "../harness/records.mjs";
import { DOUBLE, PICTURE_MS, SITE, assertPicture, visit } from "../harness/site.mjs";
import { add, setUp } from "../harness/storage.mjs";
import { galleryFiles, savedBy } from "../harness/stored.mjs";
import { Weights } from "../harness/weights.mjs";

const models = await testModels();
const tiny = join(models, "models/tiny");
const demo = join(import.meta.dirname, "../../../web/models/demo");
const cpu = /** @type {const} */ ("cpu");
const { steps, guidance_scale, ...texts } = REQUEST;
const FIELDS = { ...texts, steps: String(steps), guidance_scale: String(guidance_scale) };

/** @typedef {Awaited<ReturnType<typeof visit>>} App */
/** @typedef {import("node:test").TestContext} Test */

/** @param {Test} t @param {import("../harness/site.mjs").Visit} visited */
const open = (t, visited) => visit(t, { firefox: true, patience: PICTURE_MS, ...visited });

/** @param {Test} t @param {string} model folder @param {Awaited<ReturnType<App["make"]>>} ours */
async function sameAsNative(t, model, ours) {
  const most = difference(ours, await nativePicture(model));
  t.diagnostic(`the pictures differ by ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);
}

/** The file that the page offers. @param {App} app */
async function saved({ page }) {
  const { path } = await savedBy(page, page.getByRole("link", { name: "Download PNG" }));
  const file = await readFile(path);
  // Firefox gives the next file of this name another one.
  await rm(path);
  return file;
}

/** Cancels a long run, and draws again. @param {App} app */
async function checkCancel({ page, state, stepping, type, generate, cancel, make }) {
  await type({ steps: "500" });
  await generate.press("Enter");
  await stepping();
  await cancel.click();
  await state("ready");
  const told = (await page.locator("#progress-text").textContent()) ?? "";
  assert.match(told, /^Cancelled after step \d+\.$/);
  assert.ok(Number(/\d+/.exec(told)) < 500);
  assertPicture(await make({ steps: "3" }));
}

/** A file of the page, dropped, makes the same bytes again. @param {App} app */
async function checkRoundTrip(app) {
  const { page, state, make, pixels, generate } = app;
  const odd = {
    ...{ prompt: "ein Kätzchen — 猫,\nNegative prompt: none", negative_prompt: 'grey: "dull"' },
    ...{ seed: "18446744073709551557", steps: "4", guidance_scale: "3.25" },
    ...{ sampler: "euler_ancestral", width: "72", height: "64" },
  };
  const first = await make(odd);
  const file = await saved(app);
  const { texts, ...kept } = decodePng(file);
  assert.equal(difference(first, kept), 0);
  assert.equal(JSON.parse(texts.get("darkroom")).seed, odd.seed);
  await page.getByRole("button", { name: "Reset" }).click();
  await dropped(page, "kept.png", file);
  await page.locator("#progress-text").filter({ hasText: "Darkroom" }).waitFor();
  assert.equal(await page.locator("#prompt").inputValue(), odd.prompt);
  await generate.press("Enter");
  const ended = page.locator("#progress-text").filter({ hasText: /is ready after/ });
  await ended.waitFor();
  await state("ready");
  const second = await pixels();
  assert.deepEqual([second.width, second.height], [72, 64]);
  assert.ok(second.bytes.equals(first.bytes), "the bytes differ");
}

for (const device of /** @type {const} */ (["webgpu", cpu]))
  test(`a small model is opened, draws and is cancelled: ${device}`, async (t) => {
    const hash = `#model=models/tiny&steps=3&seed=1&device=${device}`;
    const app = await open(t, { hash, device, server: { roots: [models, SITE] } });
    const { page, state, make } = app;
    await state("ready");
    const first = await make(FIELDS);
    assertPicture(first);
    await sameAsNative(t, tiny, first);
    assert.ok((await make(FIELDS)).bytes.equals(first.bytes), "the second run differs");
    await t.test("Cancel ends a run, and the next one works", () => checkCancel(app));
    await t.test("a kept file, dropped, makes the same bytes again", () => checkRoundTrip(app));
    await t.test("no rule of accessibility is broken", async () =>
      assert.deepEqual(await seriousFaults(page), []),
    );
  });

test("the built-in model draws by the CPU, which stands in for a software adapter", async (t) => {
  const app = await open(t, { hash: "#device=auto", device: cpu });
  await app.state("ready");
  const notices = (await app.page.locator("#notices").textContent()) ?? "";
  assert.match(notices, /only a software adapter/);
  await sameAsNative(t, demo, await app.make(FIELDS));
});

test("f16 activations stay near f32", async (t) => {
  const hash = "#model=models/tiny&device=webgpu&precision=f16";
  const { state, make } = await open(t, { hash, server: { roots: [models, SITE] } });
  await state("ready");
  const half = await make(FIELDS);
  const full = await nativePicture(tiny);
  const most = difference(half, full);
  let sum = 0;
  for (const [i, value] of half.bytes.entries()) sum += Math.abs(value - (full.bytes[i] ?? NaN));
  const mean = sum / half.bytes.length;
  t.diagnostic(`f16 differs from f32 by ${most} of 255 at most, ${mean.toFixed(2)} on average`);
  assert.ok(most > 0, "f16 gave the very numbers of f32: is it f16 at all?");
  assert.ok(mean <= 2, `${mean} of 255 on average`);
});

/** What Firefox says of a server that is gone. */
const GONE = /NetworkError|Failed to (load|fetch)|could not establish|error.*loading|update|404/i;

test("a model is stored, and draws the same after a reload without a server", async (t) => {
  const weights = await Weights.of(tiny);
  const app = await open(t, {
    server: { roots: [SITE], instead: weights.answer },
    hash: "#model=weights&device=cpu&steps=2&seed=7&width=64&height=64",
    device: cpu,
    expected: GONE,
  });
  const { page, site, state, make } = app;
  await state("ready");
  const first = await make(FIELDS);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.evaluate(setUp);
  await add(page, weights.manifest(1 << 16));
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Resume: A test" }).click();
  await page.getByText("A test is stored and verified.").waitFor();
  await page.getByRole("button", { name: "Use: A test" }).click();
  await page.waitForURL(/#model=stored/);
  await state("loading");
  await state("ready");
  await site.close();
  await page.reload();
  await state("ready");
  assert.ok((await make(FIELDS)).bytes.equals(first.bytes), "without a server");
});

test("without a network the built-in model draws, and its file says what it is", async (t) => {
  const app = await open(t, { hash: "#steps=1&device=cpu", device: cpu, expected: GONE });
  const { page, site, state, make } = app;
  await state("ready");
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await site.close();
  await page.reload();
  await state("ready");
  assertPicture(await make({ prompt: "a red heart on yellow", seed: "3" }));
  const model = JSON.parse(decodePng(await saved(app)).texts.get("darkroom-model"));
  const unet = await readFile(join(demo, "unet/diffusion_pytorch_model.safetensors"));
  assert.equal(model.sha256, createHash("sha256").update(unet).digest("hex"));
});

test("images of other programs fill in the form", async (t) => {
  const { page, state } = await open(t, { server: { roots: DOUBLE }, hash: "#steps=9&guidance=3" });
  await state("ready");
  const wanted = { ...CAT, guidance_scale: "6.5", sampler: "dpmpp_2m", sigmas: "karras" };
  const values = () =>
    page.evaluate(
      (ids) =>
        ids.map((id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value).join(),
      Object.keys(wanted),
    );
  for (const [program, texts] of RECORDS) {
    await page.getByRole("button", { name: "Reset" }).click();
    await dropped(page, "picture.png", pngWith(texts));
    // The sentence may be that of the picture before, the prompt is not.
    await page.waitForFunction(
      (text) => /** @type {any} */ (document.getElementById("prompt")).value === text,
      CAT.prompt,
    );
    await page.locator("#progress-text").filter({ hasText: program }).waitFor();
    assert.equal(await values(), Object.values(wanted).join(), program);
  }
});

test("the gallery outlasts a reload, byte by byte", async (t) => {
  const { page, state, make } = await open(t, { server: { roots: DOUBLE }, hash: "#steps=2" });
  await state("ready");
  for (const seed of ["1", "2"]) await make({ prompt: "a red cat", seed });
  const enter = () => page.getByRole("button", { name: "Gallery", exact: true }).click();
  const two = () =>
    page.waitForFunction(() => document.querySelectorAll("#images li").length === 2);
  await enter();
  await two();
  const before = await galleryFiles(page);
  await page.reload();
  await state("ready");
  await enter();
  await two();
  assert.deepEqual(await galleryFiles(page), before);
  await page.locator("#images button").first().click();
  await page.waitForFunction(() => {
    const image = /** @type {HTMLImageElement} */ (document.getElementById("viewer-image"));
    return image.complete && image.naturalWidth === 64;
  });
  assert.deepEqual(
    before.map((file) => decodePng(file).width),
    [64, 64],
  );
});
