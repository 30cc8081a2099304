// Opening a model and drawing, on one device: the pixels are the native program's.

import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { seriousFaults } from "../harness/axe.mjs";
import { dropped } from "../harness/files.mjs";
import { REQUEST, difference, nativePicture } from "../harness/native.mjs";
import { decodePng } from "../harness/png.mjs";
import { SITE, assertPicture } from "../harness/site.mjs";
import { savedBy } from "../harness/stored.mjs";

/** @typedef {import("./open.mjs").App} App */
/** @typedef {import("./open.mjs").Open} Open */
/** @typedef {import("./open.mjs").Test} Test */

const { steps, guidance_scale, ...texts } = REQUEST;
export const FIELDS = { ...texts, steps: String(steps), guidance_scale: String(guidance_scale) };
export const DEMO = join(import.meta.dirname, "../../../web/models/demo");

/** @param {Test} t @param {string} model folder @param {Awaited<ReturnType<App["make"]>>} ours */
export async function sameAsNative(t, model, ours) {
  const most = difference(ours, await nativePicture(model));
  t.diagnostic(`the pictures differ by ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);
}

/** The file that the page offers. @param {App} app */
export async function saved({ page }) {
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

/** A long run is ended with its next step: the image is kept, its file says so. @param {App} app */
async function checkEarlyEnd(app) {
  const { page, state, stepping, type, generate } = app;
  await type({ steps: "500" });
  await generate.press("Enter");
  await stepping();
  await page.getByRole("button", { name: "End now, keep the image" }).click();
  await state("ready");
  assertPicture(await app.pixels());
  const [, step] = /Ended early: after step (\d+) of 500/.exec(String(await saved(app))) ?? [];
  assert.ok(Number(step) > 0 && Number(step) < 500, `after step ${step}`);
  await type({ steps: "3" });
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

/**
 * A small model is opened, draws and is cancelled.
 * @param {Test} t
 * @param {Open} open
 * @param {{ device: "webgpu" | "cpu", models: string }} how `models`: the folder of testModels
 */
export async function drawAndCancel(t, open, { device, models }) {
  const hash = `#model=models/tiny&steps=3&seed=1&device=${device}`;
  const app = await open(t, { hash, device, server: { roots: [models, SITE] } });
  const { page, state, make } = app;
  await state("ready");
  const first = await make(FIELDS);
  assertPicture(first);
  await sameAsNative(t, join(models, "models/tiny"), first);
  assert.ok((await make(FIELDS)).bytes.equals(first.bytes), "the second run differs");
  await t.test("Cancel ends a run, and the next one works", () => checkCancel(app));
  await t.test("an image is ended early, and kept", () => checkEarlyEnd(app));
  await t.test("a kept file, dropped, makes the same bytes again", () => checkRoundTrip(app));
  await t.test("no rule of accessibility is broken", async () =>
    assert.deepEqual(await seriousFaults(page), []),
  );
}
