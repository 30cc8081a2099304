// Requests as text, copied from other programs and put into the prompt. A double stands in the
// engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped, pngWith } from "./harness/files.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };
const FIELDS =
  "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 42, Size: 64x96, ENSD: 31337";
const TEXT = `a red cat\nNegative prompt: blurry, grey\n${FIELDS}`;
const FILLED = {
  prompt: "a red cat",
  negative_prompt: "blurry, grey",
  steps: "30",
  seed: "42",
  guidance_scale: "6.5",
  sampler: "dpmpp_2m",
  sigmas: "karras",
  width: "64",
  height: "96",
};

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
function values(page) {
  return page.evaluate((names) => {
    const field = (/** @type {string} */ id) =>
      /** @type {HTMLInputElement} */ (document.getElementById(id));
    return Object.fromEntries(names.map((id) => [id, field(id).value]));
  }, Object.keys(FILLED));
}

/**
 * Pastes as a user does, by the browser's own clipboard.
 * @param {import("playwright-core").Page} page
 * @param {string} text
 */
async function paste(page, text) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator("#prompt").focus();
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press("ControlOrMeta+V");
}

test("a pasted request fills in the form, says what is lost, and can be taken back", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#prompt=mine+&steps=7&count=3" });
  await state("ready");
  const before = await values(page);
  await page.locator("#prompt").press("ControlOrMeta+End");
  await paste(page, TEXT);
  await page.locator("#undo").waitFor();
  assert.deepEqual(await values(page), FILLED);
  assert.equal(await page.locator("#count").inputValue(), "1");
  assert.match(await page.locator("#losses").innerText(), /^Not imported: .*ENSD: 31337/);
  if (process.env["SHOTS"]) {
    await page.screenshot({ path: `${process.env["SHOTS"]}/desktop.png` });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${process.env["SHOTS"]}/phone.png` });
  }
  await page.locator("#undo-act").click();
  assert.deepEqual(await values(page), { ...before, prompt: `mine ${TEXT}` });
  assert.equal(await page.locator("#count").inputValue(), "3");
  assert.equal(await page.locator("#losses").isVisible(), false);
});

test("a graph of ComfyUI that is pasted as text fills in the form", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.locator("#prompt").fill("");
  const text = (/** @type {string} */ words) => ({
    ...{ class_type: "CLIPTextEncode", inputs: { text: words } },
  });
  const links = { positive: ["2", 0], negative: ["3", 0] };
  const settings = { seed: 42, steps: 30, cfg: 6.5, sampler_name: "dpmpp_2m", scheduler: "karras" };
  const graph = {
    1: { class_type: "KSampler", inputs: { ...settings, ...links, latent_image: ["4", 0] } },
    2: text("a red cat"),
    3: text("blurry, grey"),
    4: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 96 } },
  };
  await paste(page, JSON.stringify(graph, null, 2));
  await page.locator("#undo").waitFor();
  assert.deepEqual(await values(page), FILLED);
  const told = page.locator("#progress-text");
  await told.filter({ hasText: "as written by ComfyUI" }).waitFor();
});

test("the line to take it back never covers Generate on a phone", async (t) => {
  const context = { viewport: { width: 390, height: 844 }, hasTouch: true };
  const { page, state } = await visit(t, { server, context });
  await state("ready");
  await paste(page, TEXT);
  await page.locator("#undo").waitFor();
  const reach = (/** @type {number} */ top) =>
    page.evaluate(async (top) => {
      const generate = /** @type {HTMLElement} */ (document.getElementById("generate"));
      scrollBy({ top: generate.getBoundingClientRect().top - top, behavior: "instant" });
      for (let i = 0; i < 3; i++) await new Promise((go) => requestAnimationFrame(go));
      const { left, right, top: y, bottom } = generate.getBoundingClientRect();
      const hit = document.elementFromPoint((left + right) / 2, (y + bottom) / 2);
      return { y, free: generate.contains(hit) };
    }, top);
  const seen = new Set();
  for (const top of [780, 740, 400, 60, 20, 400, 780]) {
    const { y, free } = await reach(top);
    assert.ok(free, `covered at ${y}`);
    seen.add(Math.round(y));
    if (process.env["SHOTS"])
      await page.screenshot({ path: `${process.env["SHOTS"]}/undo-${top}.png` });
  }
  assert.ok(seen.size >= 4, `${[...seen]}`);
  assert.ok(await page.locator("#undo").isVisible());
});

test("taken back, the start image and its strength are there again", async (t) => {
  const { page, state, type } = await visit(t, { server });
  await state("ready");
  await page.locator("#initial-file").setInputFiles({
    name: "start.png",
    mimeType: "image/png",
    buffer: pngWith({}),
  });
  const box = page.locator("#initial-box");
  await box.waitFor();
  await page.locator("#strength").fill("0.35");
  await type({ prompt: "mine " });
  await page.locator("#prompt").press("ControlOrMeta+End");
  await paste(page, TEXT);
  await page.locator("#undo").waitFor();
  assert.equal(await box.isVisible(), false, "the pasted request begins with none");
  await page.locator("#undo-act").click();
  await box.waitFor();
  assert.equal(await page.locator("#strength").inputValue(), "0.35");
  assert.match((await page.locator("#initial-small").getAttribute("aria-label")) ?? "", /1 × 1/);
  assert.equal(await page.locator("#prompt").inputValue(), `mine ${TEXT}`);
});

test("a request that is typed, or that has lost its line breaks, is read too", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.locator("#prompt").fill(TEXT);
  assert.equal(await page.locator("#undo").isVisible(), false, "not while it is typed");
  await page.locator("#negative_prompt").focus();
  await page.locator("#undo").waitFor();
  assert.deepEqual(await values(page), FILLED);
  await page.getByRole("button", { name: "Reset" }).click();
  await page.locator("#prompt").fill("");
  await paste(page, TEXT.replaceAll("\n", " "));
  await page.waitForFunction(
    () => /** @type {HTMLInputElement} */ (document.getElementById("steps")).value === "30",
  );
  assert.deepEqual(await values(page), FILLED);
});

test("the status line says that the request was the pasted text's", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.locator("#prompt").fill("");
  await paste(page, TEXT);
  const told = page.locator("#progress-text");
  await told.filter({ hasText: "loaded from the text, as written by AUTOMATIC1111" }).waitFor();
  await dropped(page, "a.png", pngWith({ parameters: TEXT }));
  await told.filter({ hasText: "loaded from the image, as written by AUTOMATIC1111" }).waitFor();
});

test("the template of an expanded image is told and offered", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const texts = {
    darkroom: JSON.stringify({ prompt: "a red fox", seed: "3" }),
    "darkroom-template": JSON.stringify({ prompt: "a {red|blue} fox" }),
  };
  await dropped(page, "a.png", pngWith(texts));
  const note = page.locator("#losses");
  await note.filter({ hasText: "made from a template: “a {red|blue} fox”." }).waitFor();
  assert.equal(await page.locator("#prompt").inputValue(), "a red fox");
  await note.getByRole("button", { name: "Use the template" }).click();
  assert.equal(await page.locator("#prompt").inputValue(), "a {red|blue} fox");
  assert.match(
    await note.innerText(),
    /The template is chosen\. Choices are made from it where “Expand /,
  );
});

/** What is typed, at once followed by what uses it: nothing leaves the field before. */
const USES = /** @type {const} */ ([
  ["Ctrl+Enter", (/** @type {Page} */ page) => page.locator("#prompt").press("Control+Enter")],
  ["a press of Generate", (/** @type {Page} */ page) => page.locator("#generate").click()],
]);

for (const [name, use] of USES) {
  test(`a typed request is read before it is drawn: ${name}`, async (t) => {
    const { page, state } = await visit(t, { server, hash: "#steps=7&count=3" });
    await state("ready");
    await page.locator("#prompt").fill(TEXT);
    await use(page);
    await page.locator("#progress-text").filter({ hasText: "The image is ready" }).waitFor();
    assert.deepEqual(await values(page), FILLED);
    assert.equal(await page.locator("#caption-prompt").textContent(), "a red cat");
    const facts = (await page.locator("#caption-facts").textContent()) ?? "";
    assert.match(facts, /^seed 42 · 30 steps · guidance 6\.5 /);
    await page.locator("#strip li").first().waitFor({ state: "attached" });
    assert.equal(await page.locator("#strip li").count(), 1, "one picture, once");

    // Taken back it is text, and drawn as that.
    await page.locator("#undo-act").click();
    assert.equal(await page.locator("#prompt").inputValue(), TEXT);
    await page.locator("#count").fill("1");
    await page.locator("#steps").fill("2");
    await use(page);
    await page.locator("#caption-prompt").filter({ hasText: "Negative prompt" }).waitFor();
    assert.equal(await page.locator("#prompt").inputValue(), TEXT);
  });
}

test("a typed request is read before it is queued, and ten presses make one picture", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.locator("#prompt").fill(TEXT);
  await page.locator("#to-queue").click();
  const job = page.locator("#jobs li");
  await job.first().waitFor({ state: "attached" });
  assert.equal(await job.locator("p").textContent(), "a red cat");
  await page.locator("#prompt").fill(TEXT.replace("a red cat", "a blue cat"));
  await page.locator("#prompt").evaluate((prompt) => {
    for (let i = 0; i < 10; i++)
      prompt.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }),
      );
  });
  await page.locator("#caption-prompt").filter({ hasText: "a blue cat" }).waitFor();
  await state("ready");
  await page.locator("#strip li").first().waitFor({ state: "attached" });
  await page.evaluate(() => new Promise((go) => setTimeout(go, 300)));
  assert.equal(await page.locator("#strip li").count(), 1);
});

test("a prompt that only contains the words of a request stays as it is", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  for (const text of [
    "a cat\nSteps: 20",
    "Steps: a staircase, Size: huge, Seed: none",
    "a sign that reads Steps: 20, Sampler: free, in the rain",
    "a recipe, Steps: 3, with pictures\nNegative prompt: words",
  ]) {
    const before = { ...(await values(page)), prompt: text };
    await page.locator("#prompt").fill("");
    await paste(page, text);
    await page.locator("#seed").focus();
    // Time in which a form that were filled in would be.
    await page.evaluate(() => new Promise((go) => setTimeout(go, 300)));
    assert.deepEqual(await values(page), before);
    assert.equal(await page.locator("#undo").isVisible(), false, text);
  }
});
