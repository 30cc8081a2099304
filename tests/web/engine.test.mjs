// The whole app in a real browser: page, worker, wasm, WebGPU on a software adapter. Most tests
// open a tiny model of the true topology; one opens the built-in model. What is about files and
// sentences, not about kernels, is drawn by the CPU, which opens a model thirty times sooner.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { REQUEST, difference, nativePicture, testModels } from "./harness/native.mjs";
import { dropped } from "./harness/files.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";

const models = await testModels();
const roots = [models, SITE];
const nowhere = "#model=models/nowhere&device=webgpu";
const tiny = "#model=models/tiny&steps=3&seed=1&device=webgpu";
const cpu = /** @type {const} */ ("cpu");

/** A file that a model may have or not is asked for, and browsers put the answer on the console. */
const MAYBE = /404/;

/** @param {Partial<Parameters<typeof visit>[1]>} more */
const options = (more = {}) => ({
  server: { roots },
  hash: tiny,
  patience: PICTURE_MS,
  expected: MAYBE,
  ...more,
});

test("one page, one engine, many requests", async (t) => {
  const app = await visit(t, options());
  const { page, state, make } = app;
  await state("ready");
  const prompt = await page.locator("#prompt").inputValue();
  const first = await make({});
  assertPicture(first);

  await t.test("the same request gives the same bytes, another seed others", async () => {
    assert.ok((await make({})).bytes.equals(first.bytes), "the second run differs");
    assert.ok(!(await make({ seed: "18446744073709551615" })).bytes.equals(first.bytes));
  });
  await t.test("the picture is the native program's", (t) => compareWithNative(t, app));
  await t.test("the file holds the picture and the request", () => checkFile(app));
  await t.test("a kept file, dropped, makes the same bytes again", () => checkRoundTrip(app));
  await t.test("cancel ends a run within a step, and the next one works", () => checkCancel(app));
  await t.test("every wrong field is a sentence, and the page goes on", () => checkFields(app));
  await t.test("a prompt of any length works, and what is cut is told", () => checkPrompts(app));

  await t.test("verify compares WebGPU with the CPU", () => checkVerify(app));
  await t.test("after a reload the same request gives the same bytes", async () => {
    await page.reload();
    await state("ready");
    // The address has followed what was typed since.
    const plain = { negative_prompt: "", guidance_scale: "7.5", sampler: "ddim", width: "" };
    const again = { ...plain, prompt, seed: "1", steps: "3", height: "", count: "1" };
    assert.ok((await make(again)).bytes.equals(first.bytes));
  });
});

/** @typedef {Awaited<ReturnType<typeof visit>>} App */

/**
 * @param {import("node:test").TestContext} t
 * @param {App} app
 */
async function compareWithNative(t, { make }) {
  const { steps, guidance_scale, ...texts } = REQUEST;
  const ours = await make({
    ...texts,
    steps: String(steps),
    guidance_scale: String(guidance_scale),
  });
  const most = difference(ours, await nativePicture(join(models, "models/tiny")));
  t.diagnostic(`the pictures differ by ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);
}

/** @param {App} app */
async function checkFile({ page, make }) {
  const prompt = 'a cat — 猫 "quoted"';
  const shown = await make({
    prompt,
    negative_prompt: "blue",
    seed: "9007199254740993",
    steps: "3",
  });
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  const { texts, ...kept } = decodePng(await readFile(await (await downloading).path()));
  assert.equal(difference(shown, kept), 0);
  const request = JSON.parse(texts.get("darkroom"));
  assert.equal(request.prompt, prompt);
  assert.equal(request.negative_prompt, "blue");
  assert.equal(request.seed, "9007199254740993");
  assert.match(texts.get("parameters"), /Steps: 3, /);
}

/** @param {App} app */
async function checkRoundTrip({ page, state, make, generate, pixels }) {
  const odd = {
    ...{ prompt: "ein Kätzchen — 猫,\nNegative prompt: none", negative_prompt: 'grey: "dull"' },
    ...{ seed: "18446744073709551557", steps: "4", guidance_scale: "3.25" },
    ...{ sampler: "euler_ancestral", width: "72", height: "64" },
  };
  const first = await make(odd);
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  const file = await readFile(await (await downloading).path());
  await page.getByRole("button", { name: "Reset" }).click();
  await dropped(page, "kept.png", file);
  await page.locator("#progress-text").filter({ hasText: "Darkroom" }).waitFor();
  assert.equal(await page.locator("#prompt").inputValue(), odd.prompt);
  await generate.click();
  await page
    .locator("#progress-text")
    .filter({ hasText: /is ready after/ })
    .waitFor();
  await state("ready");
  const second = await pixels();
  assert.deepEqual([second.width, second.height], [72, 64]);
  assert.ok(second.bytes.equals(first.bytes), "the bytes differ");
  const like = { ...odd, width: "", height: "", seed: "1", guidance_scale: "7.5", sampler: "ddim" };
  await make({ ...like, negative_prompt: "", steps: "3" });
}

/** @param {App} app */
async function checkCancel({ page, state, stepping, type, generate, cancel, make }) {
  await type({ steps: "500" });
  await generate.click();
  await stepping();
  const text = page.locator("#progress-text");
  const step = async () => Number(/\d+/.exec((await text.textContent()) ?? ""));
  // What was shown at the very click: steps are quicker than a click from outside.
  const clicked = page.evaluate(
    () =>
      new Promise((/** @type {(shown: string) => void} */ tell) => {
        const text = document.getElementById("progress-text");
        const look = () => tell(text?.textContent ?? "");
        // On the way down to the button, before the page itself hears of it.
        addEventListener("click", look, { once: true, capture: true });
      }),
  );
  await cancel.click();
  const before = Number(/\d+/.exec(await clicked));
  await state("ready");
  assert.equal(await text.textContent(), `Cancelled after step ${await step()}.`);
  // One step may have ended that is not shown yet, and the one that runs ends.
  assert.ok((await step()) <= before + 2, `clicked at step ${before}, ended after ${await step()}`);
  assertPicture(await make({ steps: "3" }));
}

/** @param {App} app */
async function checkFields({ state, type, generate, complaint, make }) {
  const good = { steps: "2", guidance_scale: "7.5", seed: "1", width: "", height: "", count: "1" };
  for (const [field, value, sentence] of /** @type {const} */ ([
    ["width", "1e2x", /width must be/],
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
    ["seed", "-2", /seed must be a whole number from 0 to 18446744073709551615/],
    ["seed", "18446744073709551616", /seed must be/],
    ["count", "0", /number of images must be/],
    ["seed", "lucky", /seed must be/],
  ])) {
    await type({ ...good, [field]: value });
    await generate.click();
    assert.match(await complaint(), sentence, `${field} ${value}`);
    await state("ready");
  }
  assertPicture(await make(good));
}

/** @param {App} app */
async function checkPrompts({ page, make }) {
  await make({ prompt: "" });
  assert.equal(await page.locator("#notices").isVisible(), false);
  await make({ prompt: "cat ".repeat(100) });
  assert.match((await page.locator("#notices").textContent()) ?? "", /cat/);
}

/** @param {App} app */
async function checkVerify({ page, state, make, patiently }) {
  await page.getByRole("button", { name: "Verify" }).click();
  const dialog = page.getByRole("dialog", { name: "Verify this model" });
  await dialog.getByRole("button", { name: "Start" }).click();
  await dialog.getByText("This is not Stable Diffusion v1.4").waitFor();
  await patiently(dialog.getByRole("status").filter({ hasText: "All 4 comparisons passed." }));
  assert.equal(await dialog.getByRole("row", { name: /0\.0\d+ 0\.00784 pass$/ }).count(), 4);
  await dialog.getByRole("button", { name: "Close" }).click();
  await state("ready");
  assertPicture(await make({}));
}

test("a model that cannot be opened is told, and another can be opened after it", async (t) => {
  const { page, state, alert, make } = await visit(t, options({ hash: nowhere }));
  await state("error");
  await alert.filter({ hasText: /model_index.json was not found .*404/ }).waitFor();
  const sentences = {
    incomplete: /vae\/diffusion_pytorch_model.safetensors was not found/,
    cut: /unet\/diffusion_pytorch_model.safetensors is damaged/,
    noise: /vae\/diffusion_pytorch_model.safetensors is damaged/,
    unknown: /down_block_types.*MagicDownBlock2D/,
  };
  for (const [model, sentence] of Object.entries(sentences)) {
    await page.evaluate((hash) => (location.hash = hash), `#model=models/${model}&device=webgpu`);
    await state("loading");
    await state("error");
    await alert.filter({ hasText: sentence }).waitFor();
  }
  await page.evaluate((hash) => (location.hash = hash), tiny);
  await state("loading");
  await state("ready");
  assertPicture(await make({}));
});

test("a server that answers missing files with a page is understood", async (t) => {
  const server = { roots, fallback: "/index.html" };
  const { state, complaint } = await visit(t, options({ server, hash: nowhere }));
  await state("error");
  assert.match(await complaint(), /model_index.json was not found .*web page/);
});

test("a server without ranges and a site under a path do as well", async (t) => {
  const server = { roots, range: false, prefix: "/some/where" };
  const hash = tiny.replace("webgpu", cpu);
  const { state, make, site } = await visit(t, options({ server, hash, device: cpu }));
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

/** What the line below the picture says. @param {import("playwright-core").Page} page */
const facts = async (page) => (await page.locator("#caption-facts").textContent()) ?? "";

/** @param {{ bytes: Buffer }} picture */
const isBlack = ({ bytes }) => bytes.every((byte, i) => byte === (i % 4 === 3 ? 255 : 0));

test("the safety checker looks at every picture, and the page says so", async (t) => {
  const hash = "#model=models/checked&steps=1&device=cpu";
  const { page, state, make } = await visit(t, options({ hash, device: cpu }));
  await state("ready");
  const shown = await make({ seed: "1" });
  assertPicture(shown);
  assert.match(await facts(page), / · safety checked$/);

  for (const [hash, black, sentence] of /** @type {const} */ ([
    ["#model=models/strict&steps=1", true, / · hidden by the safety checker$/],
    ["#model=models/strict&steps=1&safety=off", false, / · safety not checked: switched off$/],
    ["#model=models/tiny&steps=1", false, / · safety not checked: this model has no checker$/],
  ])) {
    await page.evaluate((hash) => (location.hash = hash), `${hash}&device=cpu`);
    await state("loading");
    await state("ready");
    const picture = await make({ seed: "1" });
    assert.match(await facts(page), sentence);
    assert.equal(await page.locator("#notices").isVisible(), black);
    if (black) assert.ok(isBlack(picture));
    else assert.ok(picture.bytes.equals(shown.bytes));
  }
});

test("on WebGPU the safety checker shows a picture or hides it", async (t) => {
  const { page, state, make } = await visit(t, options({ hash: "#model=models/checked&steps=1" }));
  await state("ready");
  assertPicture(await make({ seed: "1" }));
  assert.match(await facts(page), / · safety checked$/);
  const strict = "#model=models/strict&steps=1&device=webgpu";
  await page.evaluate((hash) => (location.hash = hash), strict);
  await state("loading");
  await state("ready");
  assert.ok(isBlack(await make({ seed: "1" })));
  assert.match(await facts(page), / · hidden by the safety checker$/);
});

test("the built-in model draws", async (t) => {
  const { state, make } = await visit(t, { patience: PICTURE_MS, hash: "#steps=6&seed=3" });
  await state("ready");
  const picture = await make({ prompt: "a red cat on a yellow background" });
  assert.deepEqual([picture.width, picture.height], [128, 128]);
  assertPicture(picture);
});
