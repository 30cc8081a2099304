// A model that was distilled for few steps has its own first values of sampler, steps and guidance.
// They begin the form, and never overwrite what a link, a draft or an image gives. A double stands
// in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped, pngWith } from "./harness/files.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };
const FEW = "#model=models/few";
const OWN = ["lcm", "4", "8.5"];
const PAGE = ["ddim", "20", "7.5"];
const NAMES = ["sampler", "steps", "guidance_scale"];
/** The page's own defaults, as a link gives them. */
const EXPLICIT = NAMES.map((name, i) => `&${name}=${PAGE[i]}`).join("");

/** @param {import("playwright-core").Page} page */
const values = (page) =>
  Promise.all(NAMES.map((name) => page.locator(`[name="${name}"]`).inputValue()));

/** The values in the address, once it has them. @param {import("playwright-core").Page} page */
async function inAddress(page) {
  await page.waitForFunction(() => location.hash.includes("guidance_scale="));
  const words = new URLSearchParams(new URL(page.url()).hash.slice(1));
  return NAMES.map((name) => words.get(name));
}

test("they begin the form, go into its address, and leave with the model", async (t) => {
  const { page, state } = await visit(t, { server, hash: FEW });
  await state("ready");
  assert.deepEqual(await values(page), OWN);
  assert.deepEqual(await inAddress(page), OWN);
  await page.reload();
  await state("ready");
  assert.deepEqual(await values(page), OWN, "from the draft");
  await page.evaluate(() => (location.hash = "#model=models/demo&device=webgpu"));
  await state("loading");
  await state("ready");
  assert.deepEqual(await values(page), PAGE);
});

test("a link that gives the page's own defaults keeps them", async (t) => {
  const { page, state } = await visit(t, { server, hash: FEW + EXPLICIT });
  await state("ready");
  assert.deepEqual(await values(page), PAGE);
  assert.deepEqual(await inAddress(page), PAGE);

  await t.test("over a reload as well, and where the form's own link is opened", async () => {
    const [link] = [page.url()];
    await page.locator("#prompt").fill("typed");
    await page.reload();
    await state("ready");
    assert.deepEqual(await values(page), PAGE);
    await page.goto("about:blank");
    await page.goto(link);
    await state("ready");
    assert.deepEqual(await values(page), PAGE);
  });

  await t.test("in a tab with another model", async (t) => {
    const other = await visit(t, { server });
    await other.state("ready");
    const hash = `${FEW}&device=webgpu${EXPLICIT}`;
    await other.page.evaluate((hash) => (location.hash = hash), hash);
    await other.state("loading");
    await other.state("ready");
    assert.deepEqual(await values(other.page), PAGE);
  });
});

test("values that the user gave stay in the draft, also where they are the page's", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: FEW });
  await state("ready");
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await type({ sampler: "ddim", steps: "20", guidance_scale: "7.5" });
  await page.waitForFunction(() => location.hash.includes("guidance_scale=7.5"));
  await page.reload();
  await state("ready");
  assert.deepEqual(await values(page), PAGE);
});

test("an image that is read while such a model is opened keeps its settings", async (t) => {
  const before = () => {
    // The engine's worker hears nothing until the test lets it: the image is there first.
    const { postMessage } = Worker.prototype;
    /** @type {(() => void)[]} */
    const held = [];
    Worker.prototype.postMessage = function (/** @type {any[]} */ ...args) {
      held.push(() => postMessage.apply(this, /** @type {any} */ (args)));
    };
    const letGo = () => {
      Worker.prototype.postMessage = postMessage;
      for (const send of held) send();
    };
    Object.assign(globalThis, { letGo });
  };
  const { page, state } = await visit(t, { server, hash: FEW, before });
  await page.waitForFunction(() => document.querySelector('[name="sampler"] option'));
  const parameters = "a fox\nSteps: 20, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 64x64";
  await dropped(page, "theirs.png", pngWith({ parameters }));
  await page.waitForFunction(
    () => /** @type {any} */ (document.querySelector("#prompt")).value === "a fox",
  );
  assert.equal(await page.evaluate(() => document.documentElement.dataset["state"]), "loading");
  await page.evaluate(() => /** @type {any} */ (globalThis).letGo());
  await state("ready");
  assert.deepEqual(await values(page), PAGE);
});
