// The page by itself: states, names, keys, faults. A double stands in the engine's place, so that
// faults come when they are called and nothing waits for a GPU.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { decodePng } from "./harness/png.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

test("reaches ready, makes a picture, names it, offers it as a file", async (t) => {
  const { page, state, make, pixels } = await visit(t, { server });
  await state("ready");
  const { width, height } = await make({ prompt: "a <b>small</b> & odd prompt", seed: "7" });
  assert.deepEqual([width, height], [64, 64]);
  await page.getByRole("img", { name: "a <b>small</b> & odd prompt" }).waitFor();
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "a-b-small-b-odd-prompt-7.png");
  const kept = decodePng(await readFile(await download.path()));
  assert.ok((await pixels()).bytes.equals(kept.bytes));
  assert.match((await page.locator("#caption-facts").textContent()) ?? "", / · safety checked$/);
});

test("every control has a name", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  for (const name of [
    "Prompt",
    "Negative prompt",
    "Steps",
    "Guidance (CFG)",
    "Width",
    "Height",
    "Seed",
  ]) {
    assert.equal(await page.getByRole("textbox", { name, exact: true }).count(), 1, name);
  }
  for (const name of ["Generate", "Cancel", "Random seed", "Lock seed"]) {
    assert.equal(await page.getByRole("button", { name, exact: true }).count(), 1, name);
  }
  assert.equal(await page.getByRole("combobox", { name: "Sampler" }).count(), 1);
  const nameless = await page.evaluate(() => {
    const all = [...document.querySelectorAll("input, textarea, select")];
    return all.filter((element) => {
      const { labels, ariaLabel } = /** @type {HTMLInputElement} */ (element);
      return !labels?.length && !ariaLabel;
    }).length;
  });
  assert.equal(nameless, 0);
});

test("shows and tells the progress, with the time left", async (t) => {
  const { page, state, type, generate } = await visit(t, { server });
  await state("ready");
  await type({ steps: "100" });
  await generate.click();
  await state("generating");
  await page.getByRole("progressbar").waitFor();
  await page
    .locator("#progress-text")
    .filter({ hasText: /^Step \d+ of 100, about .* left$/ })
    .waitFor();
  const status = page.getByRole("status");
  await status.filter({ hasText: /Step \d+ of 100/ }).waitFor({ state: "attached" });
  await state("ready");
  await status.filter({ hasText: /The image is ready after/ }).waitFor({ state: "attached" });
});

test("cancel ends a run, and the next one works", async (t) => {
  const { page, state, stepping, type, generate, cancel, make } = await visit(t, { server });
  await state("ready");
  await type({ steps: "1000" });
  await generate.click();
  await stepping();
  await cancel.click();
  await state("ready");
  assert.match(
    (await page.locator("#progress-text").textContent()) ?? "",
    /^Cancelled after step \d+\.$/,
  );
  assert.equal(await page.locator("#canvas").isVisible(), false);
  await make({ steps: "3" });
  assert.equal(await page.locator("#canvas").isVisible(), true);
});

test("Cancel takes effect within 2 s where nothing is heard, and loses nothing else", async (t) => {
  const hash = "#device=cpu&steps=50";
  const app = await visit(t, { server, hash, device: "cpu" });
  const { page, state, type, generate, cancelWithin, make } = app;
  await state("ready");
  const before = await make({ prompt: "before", seed: "1" });
  await page.locator("#to-queue").click();
  await type({ prompt: "hear nothing", seed: "2" });
  await generate.click();
  // The step before is told; the next one never ends.
  await page
    .locator("#progress-text")
    .filter({ hasText: /^Step 1 of 50/ })
    .waitFor();
  await cancelWithin(2000);
  const told = (await page.locator("#progress-text").textContent()) ?? "";
  assert.match(told, /^Cancelled after step 1/);
  assert.equal(await page.locator("#prompt").inputValue(), "hear nothing");
  // The picture of before is still there, and the model too.
  assert.deepEqual(await app.pixels(), before);
  await type({ prompt: "three little words" });
  await page.locator("#tokens").filter({ hasText: "3 of 75" }).waitFor();
  const after = await make({ prompt: "before", seed: "1" });
  assert.deepEqual(after, before);
  assert.equal(await page.locator("#queue-count").textContent(), "1");
});

test("a size far above the model's own is told before the press, and taken back", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: "#model=models/other" });
  await state("ready");
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  const warning = page.locator("#size-warning");
  await type({ width: "128", height: "128" });
  assert.equal(await warning.isVisible(), false);
  await type({ width: "512", height: "768" });
  await warning.waitFor();
  assert.match((await warning.textContent()) ?? "", /made for 64 × 64\..* at least 96 times/);
  await page.getByRole("button", { name: "Use 64 × 64" }).click();
  await warning.waitFor({ state: "hidden" });
  assert.equal(await page.locator("#width").inputValue(), "");
});

test("the built-in model knows its own size alone, also by an address with a slash", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: "#model=models/demo/" });
  await state("ready");
  assert.ok(await page.locator("#known").isVisible());
  const warning = page.locator("#size-warning");
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  assert.equal(await warning.isVisible(), false);
  await type({ width: "96", height: "64" });
  await warning.waitFor();
  assert.match((await warning.textContent()) ?? "", /demo model draws 64 × 64 only/);
  await page.getByRole("button", { name: "Use 64 × 64" }).click();
  await warning.waitFor({ state: "hidden" });
});

test("seeds, numbers and sizes may be typed as in other programs", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  const size = { width: "100", height: "61" };
  const { width, height } = await make({ seed: "-1", guidance_scale: "6,5", ...size });
  assert.deepEqual([width, height], [104, 64]);
  const facts = (await page.locator("#caption-facts").textContent()) ?? "";
  assert.match(facts, /^seed \d+ · 2 steps · guidance 6\.5 /);
  assert.equal(await page.locator("#lock").getAttribute("aria-pressed"), "false");
  await page.locator("#width").fill("70");
  await page.locator("#width").press("Tab");
  assert.equal(await page.locator("#width").inputValue(), "72");
  const shapes = await page.locator("#sizes button").allTextContents();
  assert.deepEqual(
    shapes.map((text) => text.split(" ")[0]),
    ["1:1", "2:3", "3:2", "9:16", "16:9"],
  );
});

test("a style that is deleted or replaced comes back", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.getByText("Styles", { exact: true }).click();
  /** @param {string} words */
  const save = async (words) => {
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByLabel("Name").fill("engraving");
    await page.getByLabel("Words for the prompt").fill(words);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator("#style-hint").filter({ hasText: words }).waitFor();
  };
  const undone = async (/** @type {string} */ told) => {
    await page.locator("#undo-text").filter({ hasText: told }).waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.locator("#style-hint").filter({ hasText: "an old print" }).waitFor();
    assert.equal(await page.locator("#style").inputValue(), "engraving");
  };
  await save("an old print");
  await save("a new one");
  await undone("The style “engraving” is replaced.");
  await page.locator("#style-delete").click();
  await undone("The style “engraving” is deleted.");
});

test("a worker that cannot start is told as that", async (t) => {
  const without = { ...server, without: "/engine/worker.js" };
  const { state, complaint } = await visit(t, { server: without, expected: /404|Failed/ });
  await state("error");
  assert.match(await complaint(), /could not be started: a file of this site is missing/);
});

test("loading can be cancelled, and Generate then loads", async (t) => {
  const { page, state, cancel, make } = await visit(t, { server, hash: "#model=models/slow" });
  await state("loading");
  // It is slow once. Cancelled before it begins, it would be slow when it is loaded again.
  await page.waitForFunction(() => {
    const bar = /** @type {HTMLProgressElement} */ (document.getElementById("progress-bar"));
    return bar.value > 0;
  });
  await cancel.click();
  await state("error");
  const text = await page.locator("#progress-text").textContent();
  assert.match(text ?? "", /Press Generate to load the model/);
  await make({ steps: "2" });
  assert.equal(await page.locator("#canvas").isVisible(), true);
});

test("a wrong field is told at the field, and nothing typed is lost", async (t) => {
  const { page, state, type, generate, complaint, make, alert } = await visit(t, { server });
  await state("ready");
  await type({ prompt: "keep me", steps: "none", seed: "12" });
  await generate.click();
  assert.match(await complaint(), /steps must be a whole number/);
  await state("ready");
  const steps = page.getByRole("textbox", { name: "Steps", exact: true });
  assert.equal(await steps.getAttribute("aria-invalid"), "true");
  assert.equal(await steps.evaluate((element) => element === document.activeElement), true);
  assert.equal(await page.locator("#prompt").inputValue(), "keep me");
  assert.equal(await steps.inputValue(), "none");
  await make({ steps: "2" });
  assert.equal(await alert.isVisible(), false);
  assert.equal(await page.locator("[aria-invalid]").count(), 0);
});

test("a lost device is told, and Generate opens another", async (t) => {
  const { state, type, generate, complaint, make } = await visit(t, { server });
  await state("ready");
  await type({ prompt: "lose the device" });
  await generate.click();
  await state("error");
  assert.match(await complaint(), /device was lost/);
  await make({ prompt: "again" });
});

test("too little memory is met with smaller weights, once, and told", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  await make({ prompt: "fill the memory" });
  assert.match((await page.locator("#notices").textContent()) ?? "", /too little memory.*f16/);
  await page.locator('[data-view="gallery"]').click();
  await page.waitForFunction(() => document.querySelectorAll("#images li").length === 1);
});

test("memory that the user's own choice exceeds is told, and nothing is changed", async (t) => {
  const { state, type, generate, complaint } = await visit(t, { server, hash: "#weights=f32" });
  await state("ready");
  await type({ prompt: "fill the memory" });
  await generate.click();
  assert.match(await complaint(), /memory is too small/);
});

test("an engine that dies is told, and started again", async (t) => {
  const { state, type, generate, complaint, make } = await visit(t, {
    server,
    expected: /unreachable/,
  });
  await state("ready");
  await type({ prompt: "panic" });
  await generate.click();
  await state("error");
  assert.match(await complaint(), /stopped unexpectedly .*unreachable/);
  await make({ prompt: "again" });
});

test("an engine that is not there is told", async (t) => {
  const without = { ...server, without: "/pkg/" };
  const { state, complaint } = await visit(t, { server: without, expected: /404/ });
  await state("error");
  assert.match(await complaint(), /The engine could not be fetched/);
});

test("the address fills in the form and chooses the model", async (t) => {
  const hash =
    "#prompt=a%20blue%20fish&negative=red" +
    "&steps=2&guidance=3&seed=5&width=128&sampler=euler&model=models/other";
  const { page, state, make } = await visit(t, { server, hash });
  await state("ready");
  assert.equal(await page.locator("#prompt").inputValue(), "a blue fish");
  assert.equal(await page.locator("#negative_prompt").inputValue(), "red");
  assert.equal(await page.locator("#sampler").inputValue(), "euler");
  assert.match((await page.locator("#engine-facts").textContent()) ?? "", /models\/other/);
  const { width, height } = await make({});
  assert.deepEqual([width, height], [128, 64]);
  await page.evaluate(() => (location.hash = "#model=models/missing"));
  await state("error");
});

test("a model of another site is refused", async (t) => {
  const { state, complaint } = await visit(t, { server, hash: "#model=https://example.org/model" });
  await state("error");
  assert.match(await complaint(), /not a folder of this site/);
});

test("who computes can be chosen, and nothing typed is lost", async (t) => {
  const { page, state } = await visit(t, { server, device: "cpu", hash: "#device=cpu&prompt=old" });
  await state("ready");
  await page.getByText("Advanced", { exact: true }).click();
  const device = page.getByRole("combobox", { name: "Run on" });
  assert.equal(await device.inputValue(), "cpu");
  assert.match((await page.locator("#engine-facts").textContent()) ?? "", /on the CPU/);
  await page.locator("#prompt").fill("typed");
  await device.selectOption("webgpu");
  await page.waitForSelector('html[data-device="webgpu"][data-state="ready"]');
  assert.equal(await page.locator("#prompt").inputValue(), "typed");
  assert.match(new URL(page.url()).hash, /device=webgpu/);
});

test("a model can be verified from the keyboard, and the verification cancelled", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const dialog = page.getByRole("dialog", { name: "Verify this model" });
  await page.getByRole("button", { name: "Verify" }).press("Enter");
  const start = dialog.getByRole("button", { name: "Start" });
  await start.press("Enter");
  await state("generating");
  // The focus is on what can be pressed now.
  await page.waitForFunction(() => document.activeElement?.id === "verify-close");
  await page.keyboard.press("Escape");
  await state("ready");
  assert.equal(await dialog.isVisible(), false);

  await page.getByRole("button", { name: "Verify" }).press("Enter");
  await start.press("Enter");
  await dialog.getByRole("status").filter({ hasText: "1 of 2 comparisons failed." }).waitFor();
  for (const name of [/DDIM 0.00001 0.00300 pass/, /PNDM .*0.01000 0.00300 fail/]) {
    assert.equal(await dialog.getByRole("row", { name }).count(), 1, String(name));
  }
  await dialog.getByRole("button", { name: "Close" }).press("Enter");
  assert.equal(await dialog.isVisible(), false);
  await state("ready");
});

test("works from the keyboard alone", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.locator("#prompt").focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("typed");
  await page.keyboard.press("Control+Enter");
  await state("generating");
  assert.equal(
    await page.locator("#prompt").evaluate((element) => element === document.activeElement),
    true,
  );
  await state("ready");
  await page.locator("#steps").focus();
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.locator("#steps").inputValue(), "21");
  await page.locator("#width").focus();
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator("#width").inputValue(), "56");
  // The run lasts until it is cancelled, on a slow machine too.
  await page.locator("#steps").fill("500");
  await page.locator("#generate").focus();
  await page.keyboard.press("Space");
  await state("generating");
  await page.waitForFunction(() => document.activeElement?.id === "cancel");
  await page.keyboard.press("Space");
  await state("ready");
});

test("fits a phone, in both themes", async (t) => {
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    const { page, state, make } = await visit(t, {
      server,
      context: { colorScheme, viewport: { width: 320, height: 640 } },
    });
    await state("ready");
    await make({ prompt: "Donaudampfschifffahrtsgesellschaft".repeat(8) });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${wide} pixels wide`);
  }
});
