// The whole app in a real browser: page, worker, wasm, WebGPU on a software adapter. Most tests open
// a tiny model of the true topology; one opens the built-in model.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { REQUEST, decodePng, difference, nativePicture, testModels } from "./harness/native.mjs";
import { PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";

const models = await testModels();
const roots = [models, SITE];
const tiny = "#model=models/tiny&steps=3&seed=1";

/** A file that a model may have or not is asked for, and browsers put the answer on the console. */
const MAYBE = /404/;

/** @param {Partial<Parameters<typeof visit>[1]>} more */
const options = (more = {}) => ({ server: { roots }, hash: tiny, patience: PICTURE_MS, expected: MAYBE, ...more });

test("the same request gives the same bytes, after a reload too; another seed gives others", async (t) => {
  const { page, state, make } = await visit(t, options());
  await state("ready");
  const first = await make({});
  assertPicture(first);
  const second = await make({});
  assert.ok(first.bytes.equals(second.bytes), "the second run differs");
  await page.reload();
  await state("ready");
  const third = await make({});
  assert.ok(first.bytes.equals(third.bytes), "the run after a reload differs");
  const other = await make({ seed: "2" });
  assert.ok(!first.bytes.equals(other.bytes), "another seed gave the same");
  const largest = await make({ seed: "18446744073709551615" });
  assert.ok(!first.bytes.equals(largest.bytes));
});

test("the picture is the native program's", async (t) => {
  const { state, make } = await visit(t, options());
  await state("ready");
  const { steps, guidance_scale, ...texts } = REQUEST;
  const ours = await make({ ...texts, steps: String(steps), guidance_scale: String(guidance_scale) });
  const most = difference(ours, await nativePicture(join(models, "models/tiny")));
  t.diagnostic(`the pictures differ by ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);
});

test("the file holds the picture and the request", async (t) => {
  const { page, state, make } = await visit(t, options());
  await state("ready");
  const prompt = "a cat — 猫 \"quoted\"";
  const shown = await make({ prompt, negative_prompt: "blue", seed: "9007199254740993" });
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  const { texts, ...kept } = decodePng(await readFile(await (await downloading).path()));
  assert.equal(difference(shown, kept), 0);
  const request = JSON.parse(texts.get("darkroom"));
  assert.equal(request.prompt, prompt);
  assert.equal(request.negative_prompt, "blue");
  assert.equal(request.seed, "9007199254740993");
  assert.match(texts.get("parameters"), /Steps: 3, /);
});

test("cancel ends a run within a step, and the next one works", async (t) => {
  const { page, state, type, generate, cancel, make } = await visit(t, options());
  await state("ready");
  await make({});
  await type({ steps: "1000" });
  await generate.click();
  await page.getByText(/Step [1-9]\d* of 1000/).waitFor();
  await cancel.click();
  const before = await stepShown(page);
  await state("ready");
  t.diagnostic(`cancelled after step ${before}`);
  assertPicture(await make({ steps: "3" }));
});

/** @param {import("playwright-core").Page} page */
async function stepShown(page) {
  return page.evaluate(() => document.getElementById("progress-text")?.textContent);
}

test("every wrong field is a sentence, and the page goes on", async (t) => {
  const { state, type, generate, complaint, make } = await visit(t, options());
  await state("ready");
  const good = { steps: "2", guidance_scale: "7.5", seed: "1", width: "", height: "" };
  for (const [field, value, sentence] of [
    ["width", "100", /width must be a positive multiple of/],
    ["height", "0", /height must be/],
    ["width", "-8", /width must be/],
    ["width", "1000000", /width must be at most/],
    ["height", "wide", /height must be/],
    ["steps", "0", /steps must be a whole number from 1 to 1000/],
    ["steps", "10000", /steps must be/],
    ["steps", "2.5", /steps must be/],
    ["guidance_scale", "NaN", /guidance scale must be/],
    ["guidance_scale", "1e999", /guidance scale must be/],
    ["guidance_scale", "", /guidance scale must be/],
    ["seed", "-1", /seed must be a whole number from 0 to 18446744073709551615/],
    ["seed", "18446744073709551616", /seed must be/],
    ["seed", "lucky", /seed must be/],
  ]) {
    await type({ ...good, [String(field)]: String(value) });
    await generate.click();
    assert.match(await complaint(), /** @type {RegExp} */ (sentence), `${field} ${value}`);
    await state("ready");
  }
  assertPicture(await make(good));
});

test("a prompt of any length works; what is cut is told", async (t) => {
  const { page, state, make } = await visit(t, options());
  await state("ready");
  await make({ prompt: "" });
  assert.equal(await page.locator("#notices").isVisible(), false);
  await make({ prompt: "cat ".repeat(100) });
  assert.match((await page.locator("#notices").textContent()) ?? "", /cat/);
});

for (const [model, sentence] of /** @type {const} */ ([
  ["nowhere", /model_index.json was not found .*404/],
  ["incomplete", /vae\/diffusion_pytorch_model.safetensors was not found/],
  ["cut", /unet\/diffusion_pytorch_model.safetensors is damaged/],
  ["noise", /vae\/diffusion_pytorch_model.safetensors is damaged/],
  ["unknown", /MagicDownBlock2D|down_block_types/],
])) {
  test(`a model that is ${model} is told, and another can be opened`, async (t) => {
    const { page, state, complaint, make } = await visit(t, options({ hash: `#model=models/${model}` }));
    await state("error");
    assert.match(await complaint(), sentence);
    await page.evaluate((hash) => (location.hash = hash), tiny);
    await state("ready");
    assertPicture(await make({}));
  });
}

test("a server that answers missing files with a page is understood", async (t) => {
  const server = { roots, fallback: "/index.html" };
  const { state, complaint } = await visit(t, options({ server, hash: "#model=models/nowhere" }));
  await state("error");
  assert.match(await complaint(), /model_index.json was not found .*web page/);
});

test("a server without ranges and a site under a path do as well", async (t) => {
  const server = { roots, range: false, prefix: "/some/where" };
  const { state, make, site } = await visit(t, options({ server }));
  assert.match(site.url, /\/some\/where\/$/);
  await state("ready");
  assertPicture(await make({}));
});

test("without an adapter a sentence says so", async (t) => {
  const flags = ["--disable-gpu", "--disable-software-rasterizer"];
  const { state, complaint } = await visit(t, options({ flags, expected: /./ }));
  await state("error");
  assert.match(await complaint(), /No graphics adapter|WebGPU is not available/);
});

test("f16 activations without shader-f16 are refused in a sentence", async (t) => {
  const { state, complaint } = await visit(t, options({ hash: `${tiny}&precision=f16` }));
  await state("error");
  assert.match(await complaint(), /shader-f16/);
});

test("the built-in model draws", async (t) => {
  const { state, make } = await visit(t, { patience: PICTURE_MS, hash: "#steps=6&seed=3" });
  await state("ready");
  const picture = await make({ prompt: "a red cat on a yellow background" });
  assert.deepEqual([picture.width, picture.height], [64, 64]);
  assertPicture(picture);
});
