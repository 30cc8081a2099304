// Making pictures: begun with a picture, paused, shown on the way, with every field of a request.
// A double stands in the engine's place, and for one picture the real one.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { seriousFaults } from "./harness/axe.mjs";
import { dropped, pngWith } from "./harness/files.mjs";
import { PROGRAM, difference } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { MEASURED } from "../../web/strings/shortcuts.js";
import { DOUBLE, PICTURE_MS, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/**
 * The picture that the page offers as a file, and its request.
 * @param {import("playwright-core").Page} page
 */
async function offered(page) {
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  const file = await readFile(await (await downloading).path());
  const picture = decodePng(file);
  return { file, picture, request: JSON.parse(picture.texts.get("darkroom") ?? "null") };
}

test("a picture begins with a dropped one, which stays with its record", async (t) => {
  const { page, state, make, complaint } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  const box = page.locator("#initial-box");
  await dropped(page, "photo.png", pngWith({}));
  await box.waitFor();
  await page.getByRole("slider", { name: "Strength" }).fill("0.45");
  await make({ prompt: "begun", seed: "3" });
  assert.equal((await offered(page)).request.strength, 0.45);
  const told = (await page.locator("#caption-facts").textContent()) ?? "";
  assert.match(told, / · from an image, strength 0\.45 · /);
  // The double's picture is of the pixels that it was given.
  const one = await offered(page);
  assert.deepEqual([...one.picture.bytes.subarray(0, 3)], [9, 9, 9]);

  await page.getByRole("button", { name: "Remove" }).click();
  await box.waitFor({ state: "hidden" });
  await make({ prompt: "from noise", seed: "4" });
  assert.equal((await offered(page)).request.strength, undefined);

  // From the gallery, and after a reload: the picture is kept beside the record.
  await page.reload();
  await state("ready");
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").nth(1).click();
  const facts = page.locator("#viewer-facts");
  await facts.filter({ hasText: "from an image, strength 0.45" }).waitFor();
  await page.getByRole("button", { name: "Reuse these settings" }).click();
  await box.waitFor();
  assert.equal(await page.locator("#strength").inputValue(), "0.45");
  await make({});
  assert.deepEqual((await offered(page)).picture.bytes, one.picture.bytes);

  // A file does not carry the picture that it began with: Generate says so until it is chosen.
  await dropped(page, "made.png", one.file);
  await page.locator("#initial-hint:not([hidden])").waitFor();
  await page.getByRole("button", { name: "Generate" }).click();
  assert.match(await complaint(), /initial picture is missing/);
  const file = page.locator("#initial-file");
  assert.equal(await file.getAttribute("aria-invalid"), "true");
  assert.ok(await file.evaluate((input) => input === document.activeElement), "it has the focus");
  await dropped(page, "photo.png", pngWith({}));
  await box.waitFor();
  assert.equal(await page.locator("#initial-hint").isVisible(), false);
  assert.equal(await page.locator("#strength").inputValue(), "0.45");
  await make({});
  assert.deepEqual((await offered(page)).picture.bytes, one.picture.bytes);
});

test("a variation of what was made begins with it, here and in the gallery", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  await make({ prompt: "first", seed: "3" });
  const first = await offered(page);
  await page.getByRole("button", { name: "Vary this image" }).click();
  await page.locator("#initial-box").waitFor();
  assert.equal(await page.locator("#seed").inputValue(), "");
  await make({});
  const second = await offered(page);
  assert.equal(second.request.strength, 0.6);
  assert.equal(second.request.prompt, "first");
  assert.deepEqual(second.picture.bytes, first.picture.bytes, "the double gives back the start");
  await page.getByRole("button", { name: "Reset" }).click();
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").nth(1).click();
  await page.locator("#viewer").getByRole("button", { name: "Vary this image" }).click();
  await page.locator("#initial-box").waitFor();
  assert.equal(await page.locator("#prompt").inputValue(), "first");
});

test("what is no picture is refused, and what was chosen stays", async (t) => {
  const { page, state, complaint } = await visit(t, { server });
  await state("ready");
  const wrong = { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no picture") };
  await page.locator("#initial-file").setInputFiles(wrong);
  assert.match(await complaint(), /broken\.png cannot be the start image/);
  assert.equal(await page.locator("#initial-box").isVisible(), false);

  // After a good one too: it stays, and the sentence about it stays true, until Reset removes both.
  const told = page.getByText("photo.png has no saved settings. It is the start image now.");
  await dropped(page, "photo.png", pngWith({}));
  await told.first().waitFor();
  await page.locator("#initial-file").setInputFiles(wrong);
  assert.match(await complaint(), /broken\.png cannot be the start image/);
  assert.equal(await page.locator("#initial-box").isVisible(), true);
  await page.getByRole("button", { name: "Reset" }).click();
  assert.equal(await page.locator("#initial-box").isVisible(), false);
  assert.equal(await page.locator("#progress-text").textContent(), "");
});

test("a picture pauses between steps and goes on, also from a queue", async (t) => {
  const { page, state, type, generate, stepping, cancel } = await visit(t, { server });
  await state("ready");
  const text = page.locator("#progress-text");
  const pause = page.locator("#pause");
  assert.equal(await pause.isDisabled(), true);
  await type({ steps: "100" });
  await generate.click();
  await stepping();
  await pause.click();
  await text.filter({ hasText: /^Paused after step \d+ of 100\.$/ }).waitFor();
  const at = await text.textContent();
  assert.equal(await pause.textContent(), "Resume");
  await page.waitForTimeout(300);
  assert.equal(await text.textContent(), at);
  await pause.click();
  await state("ready");
  assert.equal(await page.locator("#canvas").isVisible(), true);
  assert.equal(await pause.textContent(), "Pause");

  await type({ steps: "400" });
  await page.locator('[data-view="queue"]').click();
  await page.locator("#prompts").fill("one\ntwo");
  await page.locator("#queue-add").click();
  await page.locator("#queue-run").click();
  await page.locator('[data-view="create"]').click();
  await stepping();
  await pause.click();
  await text.filter({ hasText: /^Paused/ }).waitFor();
  await cancel.click();
  await state("ready");
  await page.locator("#jobs li[data-state=running]").waitFor({ state: "detached" });
});

test("an image is ended early, and kept; a queue goes on with the next", async (t) => {
  const { page, state, type, generate, stepping } = await visit(t, { server });
  await state("ready");
  const end = page.getByRole("button", { name: "End now, keep the image" });
  assert.equal(await end.isVisible(), false);
  await type({ steps: "900" });
  await generate.click();
  await stepping();
  await end.click();
  await state("ready");
  assert.equal(await page.locator("#canvas").isVisible(), true);
  assert.equal(await end.isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "generate");
  await page.locator('[data-view="queue"]').click();
  await page.locator("#prompts").fill("one\ntwo");
  await page.locator("#queue-add").click();
  await page.locator("#queue-run").click();
  await page.locator('[data-view="create"]').click();
  for (const prompt of ["one", "two"]) {
    await page
      .locator("#jobs li[data-state=running]", { hasText: prompt })
      .waitFor({ state: "attached" });
    await stepping();
    await end.click();
  }
  await state("ready");
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li").nth(2).waitFor();
});

test("several pictures are one call, each with its seed; previews only when wished", async (t) => {
  const { page, state, make, type, generate } = await visit(t, { server });
  await state("ready");
  await make({ prompt: "many", seed: "18446744073709551614", count: "3", steps: "2" });
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li").nth(2).waitFor();
  assert.equal(await page.locator("#images li").count(), 3);
  await page.locator("#images li button").first().click();
  await page
    .locator("#viewer-facts")
    .filter({ hasText: /^seed 0 / })
    .waitFor();
  await page.locator("#viewer-close").click();
  await page.locator('[data-view="create"]').click();

  const shown = () =>
    page.evaluate(() => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("preview"));
      if (canvas.hidden) return null;
      return [...(canvas.getContext("2d")?.getImageData(9, 9, 1, 1).data ?? [])];
    });
  await page.locator("#preview-every").evaluate((select) => {
    /** @type {HTMLSelectElement} */ (select).value = "2";
    select.dispatchEvent(new Event("change"));
  });
  await type({ steps: "900", count: "1" });
  await generate.click();
  const text = page.locator("#progress-text");
  await text.filter({ hasText: /Step ([3-9]|\d\d+) / }).waitFor();
  assert.deepEqual(await shown(), [200, 200, 200, 200], "the decoder's own");
  await page.locator("#end-early").click();
  await state("ready");
  assert.equal(await shown(), null);
});

test("every field of a request has a control, and what is cut off is marked", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=1&mystery=7" });
  await state("ready");
  assert.match((await page.locator("#extras").textContent()) ?? "", /mystery: 7/);
  await page.locator("#extras button").click();
  await page.evaluate(() =>
    document.querySelectorAll("details").forEach((details) => (details.open = true)),
  );
  await page.getByRole("checkbox", { name: /Clean up text/ }).check();
  const reading = { long_prompt: "chunks", prompt_syntax: "a1111" };
  const chosen = { spacing: "trailing", clip_skip: "2", ...reading, rng: "philox" };
  await make({ ...chosen, eta: "0.5", sigmas: "karras", prompt: "all", seed: "1" });
  const { request } = await offered(page);
  assert.deepEqual(
    ["spacing", "clip_skip", "long_prompt", "rng", "eta", "sigmas"].map((name) => request[name]),
    ["trailing", 2, "chunks", "philox", 0.5, "karras"],
  );
  assert.deepEqual([request.prompt_syntax, request.clean], ["a1111", true]);
  assert.match(page.url(), /long_prompt=chunks/);
  assert.match(page.url(), /prompt_syntax=a1111/);

  await page.getByRole("button", { name: "Reset" }).click();
  assert.equal(await page.locator("#clean").isChecked(), false);
  await page.locator("#prompt").fill(`${"seen ".repeat(75)}and this is not`);
  const mark = page.locator("#prompt-marks mark");
  await mark.filter({ hasText: "and this is not" }).waitFor({ state: "attached" });
  const { seen, behind } = await page.evaluate(() => {
    const of = (/** @type {string} */ id) => {
      const { fontSize, lineHeight, paddingLeft, fontFamily } = getComputedStyle(
        /** @type {HTMLElement} */ (document.getElementById(id)),
      );
      return [fontSize, lineHeight, paddingLeft, fontFamily];
    };
    return { seen: of("prompt"), behind: of("prompt-marks") };
  });
  assert.deepEqual(behind, seen, "the mark lies where the text is");
});

test("what makes a picture faster says what it loses, and the picture says it", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2&cache_interval=3" });
  await state("ready");
  await page.evaluate(() =>
    document.querySelectorAll("details").forEach((details) => (details.open = true)),
  );
  const hint = page.locator("#shortcuts-hint");
  // A link fills in the fields; what each chosen one loses stands below them.
  assert.equal(await page.getByLabel("Reuse deep layers").inputValue(), "3");
  assert.match((await hint.textContent()) ?? "", /^Reuse deep layers: 50 % less work/);
  await page.getByLabel("Use guidance in").selectOption("from 10 to 80 %");
  assert.match(
    (await hint.textContent()) ?? "",
    /Use guidance in: 15 % .* Reuse deep layers: 50 %/,
  );
  await make({ prompt: "quick", seed: "1" });
  const one = await offered(page);
  assert.deepEqual(
    ["guidance_interval", "cache_interval"].map((name) => one.request[name]),
    [[0.1, 0.8], 3],
  );
  const told = /guided from 10 to 80 % .* deep layers every 3 evaluations only/;
  assert.match((await page.locator("#caption-facts").textContent()) ?? "", told);
  assert.match(page.url(), /guidance_interval=/);

  // What is not exact is gone with Reset, and comes back with the picture.
  await page.getByRole("button", { name: "Reset" }).click();
  assert.match((await hint.textContent()) ?? "", /^All off: the exact image/);
  await dropped(page, "made.png", one.file);
  await hint.filter({ hasText: "Reuse deep layers" }).waitFor();
  assert.equal(await page.locator("#guidance_interval").inputValue(), "[0.1,0.8]");
  await page.getByLabel("Merge tokens").selectOption("half of them");
  assert.match((await hint.textContent()) ?? "", /Merge tokens: 9 % less work/);
});

test("the page's figures of shortcuts are those that were measured", async () => {
  const path = join(import.meta.dirname, "../../docs/measured/shortcuts.md");
  const table = await readFile(path, "utf8");
  const rows = table.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  for (const [field, values] of Object.entries(MEASURED)) {
    for (const [value, [work, psnr, ssim]] of Object.entries(values)) {
      const name = value.startsWith("[") ? JSON.parse(value).join(" to ") : value;
      const [losses, counts] = rows.filter(([, way]) => way === `${field} ${name}`);
      assert.deepEqual([losses?.[2], losses?.[4]], [psnr.toFixed(1), ssim.toFixed(3)], name);
      assert.equal(counts?.[3], work.toFixed(2), name);
    }
  }
});

test("the real engine begins as the native program does", async (t) => {
  const hash = "#steps=6&seed=5&prompt=a+blue+star+on+white";
  const visitCpu = { hash, device: /** @type {const} */ ("cpu"), patience: PICTURE_MS };
  const { page, state, make } = await visit(t, visitCpu);
  await state("ready");
  await make({});
  const start = await offered(page);
  await page.getByRole("button", { name: "Vary this image" }).click();
  await page.locator("#initial-box").waitFor();
  await make({ prompt: "a red cat on yellow", seed: "8" });
  const varied = await offered(page);

  const folder = await mkdtemp(join(tmpdir(), "darkroom-test-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "start.png"), start.file);
  const demo = join(import.meta.dirname, "../../web/models/demo");
  const words = ["generate", "--device", "cpu", "--model", demo];
  words.push("--prompt", "a red cat on yellow", "--seed", "8", "--steps", "6");
  words.push("--init", join(folder, "start.png"), "--strength", "0.6");
  await promisify(execFile)(PROGRAM, [...words, "--out", join(folder, "out.png")]);
  const native = decodePng(await readFile(join(folder, "out.png")));
  const most = difference(varied.picture, native);
  t.diagnostic(`page against native: ${most}/255`);
  assert.ok(most <= 2, `${most}/255`);
  assert.ok(difference(varied.picture, start.picture) > 50);
  assert.match(varied.picture.texts.get("parameters") ?? "", /Denoising strength: 0\.6/);
});

test("the real engine leaves out what the native program leaves out", async (t) => {
  const fields = "guidance_interval=[0,0.8]&cache_interval=2";
  const hash = `#steps=6&seed=5&width=64&height=64&prompt=a+blue+star+on+white&${fields}`;
  const { page, state, make } = await visit(t, { hash, patience: PICTURE_MS });
  await state("ready");
  await make({});
  const { picture } = await offered(page);
  // Where two tokens are as like a third, rounding decides: after one step there is no such pair.
  await page.evaluate(() =>
    document.querySelectorAll("details").forEach((details) => (details.open = true)),
  );
  await page.getByLabel("Use guidance in").selectOption("all steps (exact)");
  await page.getByLabel("Reuse deep layers").selectOption("never (exact)");
  await page.getByLabel("Merge tokens").selectOption("half of them");
  await make({ steps: "1" });
  const merged = (await offered(page)).picture;

  const folder = await mkdtemp(join(tmpdir(), "darkroom-test-"));
  t.after(() => rm(folder, { recursive: true }));
  const demo = join(import.meta.dirname, "../../web/models/demo");
  const words = ["generate", "--model", demo, "--prompt", "a blue star on white", "--seed", "5"];
  words.push("--width", "64", "--height", "64");
  const draw = async (/** @type {string} */ name, /** @type {string[]} */ more) => {
    await promisify(execFile)(PROGRAM, [...words, ...more, "--out", join(folder, name)]);
    return decodePng(await readFile(join(folder, name)));
  };
  const steps = ["--steps", "6"];
  const shortcuts = ["--guidance-interval", "0,0.8", "--cache-interval", "2"];
  const native = await draw("out.png", [...steps, ...shortcuts]);
  const exact = await draw("exact.png", steps);
  const most = difference(picture, native);
  t.diagnostic(`page against native: ${most}/255; exact: ${difference(picture, exact)}/255`);
  assert.ok(most <= 2, `${most}/255`);
  assert.ok(difference(picture, exact) > 2);
  const told = /Guidance interval: 0-0\.8, Cache interval: 2/;
  assert.match(picture.texts.get("parameters") ?? "", told);

  const once = ["--steps", "1"];
  const mergedNatively = await draw("merged.png", [...once, "--token-merging-ratio", "0.5"]);
  const whole = await draw("whole.png", once);
  t.diagnostic(`merged, page against native: ${difference(merged, mergedNatively)}/255`);
  assert.ok(difference(merged, mergedNatively) <= 2);
  assert.ok(difference(merged, whole) > 2);
  assert.match(merged.texts.get("parameters") ?? "", /Token merging ratio: 0\.5/);
});

test("the images of one run are side by side, and each can be shown", async (t) => {
  const { page, state, make } = await visit(t, { server });
  await state("ready");
  await make({ prompt: "four", seed: "7", count: "4", steps: "2" });
  const row = page.getByRole("list", { name: "Images of this run" });
  const images = row.getByRole("button");
  await images.nth(3).waitFor();
  assert.equal(await images.count(), 4);
  const facts = page.locator("#caption-facts");
  const pressed = () => images.evaluateAll((all) => all.map((one) => one.ariaPressed));
  assert.match((await facts.textContent()) ?? "", /seed 10 /);
  assert.deepEqual(await pressed(), ["false", "false", "false", "true"]);
  await images.nth(1).press("Enter");
  await facts.filter({ hasText: /seed 8 / }).waitFor();
  assert.deepEqual(await pressed(), ["false", "true", "false", "false"]);
  assert.deepEqual(await seriousFaults(page), []);
  await make({ prompt: "one", seed: "7", count: "1", steps: "2" });
  assert.equal(await row.count(), 0);
});
