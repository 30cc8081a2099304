// Enlarging images by an upscaler: from the result, the gallery, the start image; what is kept of
// it, and a cancel. A double stands in the engine's place, whose upscaler makes pixels twice as
// large. Last, the real engine enlarges as the native program does.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { seriousFaults } from "./harness/axe.mjs";
import { dropped, pngOf } from "./harness/files.mjs";
import { PROGRAM, difference } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { DOUBLE, PICTURE_MS, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };
const UPSCALER = join(import.meta.dirname, "../golden/upscaler/compact.pth");
const folder = await mkdtemp(join(tmpdir(), "darkroom-enlarge-"));
after(() => rm(folder, { recursive: true }));

/** @param {import("node:test").TestContext} t */
async function begin(t) {
  const all = await visit(t, { server });
  await all.page.evaluate(() => caches.open("double-shelf"));
  await all.state("ready");
  const dialog = all.page.getByRole("dialog", { name: "Enlarge" });
  const start = dialog.getByRole("button", { name: "Enlarge", exact: true });
  return { ...all, dialog, start };
}

test("an image is enlarged by keys; the gallery keeps it with its record", async (t) => {
  const { page, state, make, pixels, dialog, start } = await begin(t);
  const made = await make({ prompt: "a red heart", seed: "7", steps: "2" });
  await page.locator("#enlarge").press("Enter");
  await dialog.getByText("The image has 64 × 64 pixels.").waitFor();
  assert.equal(await start.evaluate((it) => it === document.activeElement), true, "the focus");
  await dialog.getByLabel("Upscaler", { exact: true }).selectOption("twice");
  assert.deepEqual(await seriousFaults(page), []);
  await start.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await state("ready");
  const large = await pixels();
  assert.deepEqual([large.width, large.height], [128, 128]);
  const at = (/** @type {typeof made} */ { bytes, width }, x = 0, y = 0) =>
    bytes.readUInt32LE((y * width + x) * 4);
  assert.equal(at(large, 101, 77), at(made, 50, 38), "its pixels");
  const facts = page.locator("#caption-facts");
  await facts
    .filter({ hasText: "seed 7" })
    .filter({ hasText: "enlarged 2 times by twice" })
    .waitFor();
  await page.locator("#progress-text").filter({ hasText: "Enlarged to 128 × 128" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#download").click(),
  ]);
  const { texts } = decodePng(await readFile(await download.path()));
  assert.equal(JSON.parse(texts.get("darkroom")).prompt, "a red heart");

  await t.test("before and after", async () => {
    const slider = page.getByRole("slider", { name: "Before and after" });
    await slider.fill("100");
    assert.equal(await slider.getAttribute("aria-valuetext"), "before");
    assert.equal(
      await page.locator("#before").evaluate((it) => /** @type {any} */ (it).width),
      128,
    );
  });

  await t.test("it becomes the next start image", async () => {
    await page.getByRole("button", { name: "Use as next start image" }).click();
    await page.getByRole("img", { name: /128 × 128/ }).waitFor();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
  });

  await t.test("the gallery has it, with its record", async () => {
    await page.locator('[data-view="gallery"]').click();
    await page.locator("#images li").nth(1).waitFor();
    await page.locator("#images button").first().click();
    const told = page.locator("#viewer-facts");
    await told.filter({ hasText: "enlarged 2 times by twice" }).waitFor();
    await told.filter({ hasText: "128 × 128" }).waitFor();
    // What made it makes the small one again.
    await page.getByRole("button", { name: "Reuse these settings" }).click();
    assert.ok((await make({})).bytes.equals(made.bytes));
  });

  await t.test("from the gallery", async () => {
    await page.locator('[data-view="gallery"]').click();
    // The latest is the one that was made just now.
    await page.locator("#images li").nth(2).waitFor();
    await page.locator("#images button").nth(1).click();
    await page.locator("#viewer-enlarge").press("Enter");
    await dialog.getByText("The image has 128 × 128 pixels.").waitFor();
    assert.equal(
      await dialog.getByLabel("Upscaler", { exact: true }).inputValue(),
      "twice",
      "the last one",
    );
    // The library takes a model that is dropped here; the page behind stays where it is.
    await dropped(page, "wrong.safetensors", Buffer.from("no model"));
    await page.locator("#library details[open]").first().waitFor({ state: "attached" });
    assert.equal(await page.locator("#images").isVisible(), true, "the gallery");
    assert.equal(await dialog.isVisible(), true);
    await start.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    assert.equal((await pixels()).width, 256);
  });
});

test("a start image is enlarged; a cancel leaves all as it was", async (t) => {
  const { page, pixels, dialog, start } = await begin(t);
  const photo = pngOf(24, 16, (x) => [10 * x, 20, 90, 255]);
  await dropped(page, "photo.png", photo);
  await page.locator("#initial-enlarge").click();
  await dialog.getByText("The image has 24 × 16 pixels.").waitFor();
  await dialog.getByLabel("Upscaler", { exact: true }).selectOption("slow");
  await start.press("Enter");
  await dialog.getByText(/Enlarging: part [1-9]/).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).press("Enter");
  await dialog.getByText("Cancelled.").waitFor();
  assert.equal(await page.locator("#canvas").isVisible(), false);
  await dialog.getByLabel("Upscaler", { exact: true }).selectOption("twice");
  await start.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  const { width, height } = await pixels();
  assert.deepEqual([width, height], [48, 32]);
  const facts = (await page.locator("#caption-facts").textContent()) ?? "";
  assert.match(facts, /^48 × 32 · .* · enlarged 2 times by twice$/);
  assert.equal(await page.locator("#keep-seed").isVisible(), false, "it has no seed");
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images button").first().click();
  await page.locator("#viewer-facts").filter({ hasText: "enlarged 2 times" }).waitFor();
  for (const id of ["viewer-use", "viewer-vary", "viewer-link", "begin-with", "copy-link"])
    assert.equal(await page.locator(`#${id}`).isVisible(), false, `${id} needs a request`);
  await page.locator("#viewer-close").click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export zip" }).click(),
  ]);
  const zip = await readFile(await download.path());
  const list = zip.toString("latin1");
  assert.match(list, /000001-picture\.png/);
  assert.doesNotMatch(list, /"prompt"/, "no request for it");
});

test("what enlarged a photo before is kept, and what its file says", async (t) => {
  const { page, make, dialog, start } = await begin(t);
  await make({ prompt: "a red heart", seed: "7", steps: "2" });
  for (const size of ["64 × 64", "128 × 128"]) {
    await page.locator("#enlarge").press("Enter");
    await dialog.getByText(`The image has ${size} pixels.`).waitFor();
    await dialog.getByLabel("Upscaler", { exact: true }).selectOption("twice");
    await start.press("Enter");
    await dialog.waitFor({ state: "hidden" });
  }
  const twice = /seed 7 .*enlarged 2 times by twice · enlarged 2 times by twice/;
  assert.match((await page.locator("#caption-facts").textContent()) ?? "", twice);
});

test("hires fix: its fields go with the request, and so does an upscaler's file", async (t) => {
  const { page, make, state } = await begin(t);
  await page.locator("#hires-box summary").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Upscale by").fill("2");
  await page.getByLabel("Upscaler of the second pass").selectOption("file");
  const file = page.getByLabel("Upscaler file");
  await file.locator("option", { hasText: "twice" }).waitFor({ state: "attached" });
  await file.selectOption({ label: "twice" });
  assert.deepEqual(await seriousFaults(page), []);
  await make({ prompt: "a red heart", seed: "7", steps: "2", hires_steps: "3" });
  await page.locator("#notices").filter({ hasText: "upscaler stored:twice" }).waitFor();
  await page.waitForFunction(() => /upscaler=twice/.test(location.hash));
  await page.reload();
  await state("ready");
  assert.equal(await page.getByLabel("Upscale by").inputValue(), "2");
  await page.waitForFunction(() =>
    /** @type {any} */ (document.getElementById("hires-file"))?.value.startsWith("twice#"),
  );
  await page.locator("#reset").click();
  assert.equal(await page.getByLabel("Upscale by").inputValue(), "");

  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images button").first().click();
  await page.getByRole("button", { name: "Reuse these settings" }).click();
  assert.equal(await page.getByLabel("Upscaler of the second pass").inputValue(), "file");
  assert.equal(await page.getByLabel("Hires steps").inputValue(), "3");
  await page.waitForFunction(() =>
    /** @type {any} */ (document.getElementById("hires-file"))?.value.startsWith("twice#"),
  );
});

test("the real engine enlarges as the native program does, and a model stays open", async (t) => {
  const { page, state, make, pixels } = await visit(t, { patience: PICTURE_MS });
  await state("ready");
  await dropped(page, "compact.pth", await readFile(UPSCALER));
  await page.getByText(/^upscaler · /).waitFor();
  const fields = { prompt: "a red heart", steps: "2", seed: "7", width: "64", height: "64" };
  const made = await make(fields);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#download").click(),
  ]);
  const small = join(folder, "small.png");
  const large = join(folder, "large.png");
  await writeFile(small, await readFile(await download.path()));
  await page.getByRole("button", { name: "Use: compact" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Enlarge" });
  await dialog.getByText("The image has 64 × 64 pixels.").waitFor();
  await dialog.getByRole("button", { name: "Enlarge", exact: true }).press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await promisify(execFile)(PROGRAM, ["upscale", "--upscaler", UPSCALER, small, "--out", large]);
  const theirs = decodePng(await readFile(large));
  assert.ok(theirs.width > 64);
  assert.ok(difference(await pixels(), theirs) <= 1, "the native program's picture");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#download").click(),
  ]);
  const { texts } = decodePng(await readFile(await file.path()));
  assert.equal(JSON.parse(texts.get("darkroom")).seed, "7");
  assert.match(texts.get("postprocessing"), /Postprocess upscaler: compact/);
  assert.ok((await make({})).bytes.equals(made.bytes), "the model is open as before");
});

test("a second pass is larger, and made again from the gallery", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  const fields = { prompt: "a red heart", steps: "2", seed: "7", width: "64", height: "64" };
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await page.locator("#hires-box summary").press("Enter");
  const made = await make({ ...fields, hires_scale: "1.5", hires_strength: "0.6" });
  assert.deepEqual([made.width, made.height], [96, 96]);
  await page.locator("#reset").click();
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images button").first().click();
  await page.getByRole("button", { name: "Reuse these settings" }).click();
  assert.equal(await page.locator("#width").inputValue(), "64");
  assert.ok((await make({})).bytes.equals(made.bytes));

  await t.test("with a start image there is no second pass", async () => {
    await page.getByText("Hires. fix (× 1.5)").waitFor();
    await page.locator("#hires_scale").fill("1.25");
    await dropped(
      page,
      "photo.png",
      pngOf(64, 64, (x) => [x, 20, 90, 255]),
    );
    await page.getByText("With a start image no second pass is made.").waitFor();
    const started = await make({ seed: "9" });
    assert.deepEqual([started.width, started.height], [64, 64]);
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("Hires. fix (× 1.25)").waitFor();
    assert.equal((await make({})).width, 80);
    await page.locator("#begin-with").click();
    await page.getByText("Hires. fix", { exact: true }).waitFor();
    assert.equal(await page.locator("#hires_scale").inputValue(), "");
    await make({});
  });
});
