// ControlNets in the page: the built-in model's own is fetched or dropped, chosen by keys, given a
// picture, drawn with as the native program does; kept by a reload, by the gallery and its export;
// named by an image's record where it is not stored. The first test draws on WebGPU; the others are
// about files and the form, and the CPU opens a model thirty times sooner.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { seriousFaults } from "./harness/axe.mjs";
import { paint } from "./harness/editor.mjs";
import { dropped, pngOf, safetensors } from "./harness/files.mjs";
import { PROGRAM, difference } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, visit } from "./harness/site.mjs";

/** @typedef {import("playwright-core").Page} Page */

const ROOT = join(import.meta.dirname, "../..");
const DEMO = join(ROOT, "web/models/demo");
const NET = join(ROOT, "scripts/train_demo/addons/controlnet-shape");
const FILE = "diffusion_pytorch_model.safetensors";
const folder = await mkdtemp(join(tmpdir(), "darkroom-controls-"));
after(() => rm(folder, { recursive: true }));

const PROMPT = "a red heart on a yellow background";
const FIELDS = { prompt: PROMPT, steps: "2", seed: "7", width: "64", height: "64" };
/** A white square on black. */
const SQUARE = pngOf(64, 64, (x, y) => {
  const white = x >= 8 && x < 40 && y >= 8 && y < 40 ? 255 : 0;
  return [white, white, white, 255];
});
const picture = { name: "square.png", mimeType: "image/png", buffer: SQUARE };

/**
 * The picture of the native program.
 * @param {string} options of the control, after its picture
 */
async function native(options) {
  const out = join(folder, "native.png");
  await rm(out, { force: true });
  await writeFile(join(folder, "square.png"), SQUARE);
  const fields = ["--prompt", PROMPT, "--steps", "2", "--seed", "7"];
  const size = ["--width", "64", "--height", "64", "--out", out];
  const control = ["--control", `${NET}:${join(folder, "square.png")}${options}`];
  await promisify(execFile)(PROGRAM, [
    ...["generate", "--model", DEMO],
    ...[...fields, ...size, ...control],
  ]);
  return decodePng(await readFile(out));
}

/** Opens the form's part for controls. @param {Page} page */
async function openBox(page) {
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await page.locator("#control-box").evaluate((box) => box.setAttribute("open", ""));
  await page.getByRole("button", { name: "Add a ControlNet or T2I-Adapter" }).waitFor();
}

/** @param {Page} page @param {number} [place] */
const unit = (page, place = 1) =>
  page.getByRole("group", { name: new RegExp(`^Control ${place}(:|$)`) });

/** Drops the ControlNet as one file. @param {Page} page */
async function dropNet(page) {
  await dropped(page, "controlnet-shape.safetensors", await readFile(join(NET, FILE)));
  await unit(page).waitFor();
}

/** The PNG that the page offers. @param {Page} page */
async function saved(page) {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#download").click(),
  ]);
  return readFile(await download.path());
}

test("on WebGPU a ControlNet guides as in the native program", async (t) => {
  const { page, state, make } = await visit(t, { patience: PICTURE_MS });
  await state("ready");
  await dropNet(page);
  await unit(page).locator("input[type=file]").setInputFiles(picture);
  await unit(page).getByRole("img", { name: "Control picture, 64 × 64" }).waitFor();
  assert.ok(difference(await make(FIELDS), await native("")) <= 1, "the native program's picture");
});

test("a ControlNet is fetched, chosen and set by keys, and drawn with", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  const plain = await make(FIELDS);
  await page.locator("#control-title").focus();
  await page.keyboard.press("Enter");
  const add = page.getByRole("button", { name: "Add a ControlNet or T2I-Adapter" });
  await add.waitFor();
  await add.press("Enter");
  const one = unit(page);
  const model = one.getByLabel("Model");
  // It is shown once more when the stored ones have been read, and keeps the focus.
  await model.and(page.locator(":focus")).waitFor();
  await page
    .locator("optgroup[label='On this site'] option")
    .first()
    .waitFor({ state: "attached" });
  await model.selectOption({ label: "controlnet-shape" });
  await one.getByText("(not in this browser)").waitFor();
  page.once("dialog", (dialog) => void dialog.accept());
  await one.getByRole("button", { name: "Get controlnet-shape" }).press("Enter");
  await one.getByText("(not in this browser)").waitFor({ state: "detached" });
  await page.locator("#generate:enabled").press("Enter");
  await page.getByText("controlnet-shape has no picture: choose, draw or drop one.").waitFor();
  await one.locator("input[type=file]").setInputFiles(picture);
  await one.getByRole("img", { name: "Control picture, 64 × 64" }).waitFor();
  assert.deepEqual(await seriousFaults(page), []);

  const guided = await make(FIELDS);
  assert.ok(!guided.bytes.equals(plain.bytes), "it guides");
  assert.ok(difference(guided, await native("")) <= 1, "the native program's picture");
  await one.getByLabel("Control weight", { exact: true }).fill("0,5");
  await one.getByLabel("Ending control step").fill("0.5");
  await one.getByLabel("Preprocessor").selectOption("invert");
  const other = await make(FIELDS);
  assert.ok(difference(other, await native(":0.5:end=0.5:invert")) <= 1, "its settings");
  const text = (await saved(page)).toString("latin1");
  assert.match(text, /"name":"controlnet-shape".*"weight":0\.5.*"preprocess":"invert"/);

  await t.test("a reload keeps all of it", async () => {
    await page.reload();
    await state("ready");
    await openBox(page);
    await one.getByRole("img", { name: "Control picture, 64 × 64" }).waitFor();
    assert.equal(await one.getByLabel("Control weight", { exact: true }).inputValue(), "0,5");
    assert.equal(await one.getByLabel("Preprocessor").inputValue(), "invert");
    assert.ok((await make({})).bytes.equals(other.bytes), "the same picture");
  });

  await t.test("what is no number is marked", async () => {
    await one.getByLabel("Starting control step").fill("x");
    await page.locator("#generate:enabled").press("Enter");
    await page.getByText("“x” of controlnet-shape is not a number.").waitFor();
    const start = one.getByLabel("Starting control step");
    assert.equal(await start.evaluate((it) => it === document.activeElement), true);
    await start.fill("0");
  });
  await t.test("of steps that are in the wrong order the end is marked", async () => {
    const start = one.getByLabel("Starting control step");
    await start.fill("0.8");
    await page.locator("#generate:enabled").press("Enter");
    await page.getByText("controlnet-shape must begin before it ends").waitFor();
    const end = one.getByLabel("Ending control step");
    assert.equal(await end.getAttribute("aria-invalid"), "true");
    await start.fill("0");
  });
});

test("a control's picture is drawn, and taken from the gallery", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  await make(FIELDS);
  await dropNet(page);
  const one = unit(page);
  await one.getByRole("button", { name: "Draw…" }).press("Enter");
  await page.getByRole("heading", { name: "Draw a control picture" }).waitFor();
  await paint(page, [10, 10], [50, 50]);
  await page.getByRole("button", { name: "Done" }).click();
  await one.getByRole("img", { name: "Control picture, 64 × 64" }).waitFor();
  const drawn = await make({});
  await page.reload();
  await state("ready");
  await openBox(page);
  await one.getByRole("button", { name: "Edit drawing…" }).press("Enter");
  await page.getByRole("heading", { name: "Draw a control picture" }).waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  assert.ok((await make({})).bytes.equals(drawn.bytes), "the drawing is kept");
  await page.getByRole("button", { name: "Use as control picture" }).first().click();
  const two = unit(page, 2);
  await two.getByRole("img", { name: "Control picture, 64 × 64" }).waitFor();
  assert.equal(await two.getByLabel("Model").locator(":checked").textContent(), "controlnet-shape");
  const both = await make({});
  assert.ok(!both.bytes.equals(drawn.bytes), "two at once");
  await two.getByRole("button", { name: "Remove Control 2: controlnet-shape" }).press("Enter");
  assert.equal(await page.getByRole("group", { name: /^Control \d/ }).count(), 1);

  await t.test("it guides a part of a start image too", async () => {
    const before = await make({});
    await page.locator("#edit").click();
    await page.getByRole("heading", { name: "Paint a mask" }).waitFor();
    await paint(page, [10, 10], [50, 50]);
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Edit mask" }).waitFor();
    await unit(page).getByRole("img", { name: "Control picture" }).waitFor();
    const guided = await make({ seed: "9" });
    const corner = (/** @type {{ bytes: Buffer }} */ { bytes }) => bytes.subarray(60 * 4, 64 * 4);
    assert.ok(corner(guided).equals(corner(before)), "outside the mask it stays");
    await unit(page)
      .getByRole("button", { name: /^Remove Control 1/ })
      .click();
    const alone = await make({});
    assert.ok(!alone.bytes.equals(guided.bytes), "the control guides the masked part");
    await dropNet(page);
  });

  await t.test("at 200 % zoom nothing is beside the page", async () => {
    await page.setViewportSize({ width: 600, height: 450 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px`);
    assert.deepEqual(await seriousFaults(page), []);
  });
});

test("records of controls: the gallery, its export, a browser without the file", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  await dropNet(page);
  await unit(page).locator("input[type=file]").setInputFiles(picture);
  await unit(page).getByRole("img", { name: "Control picture" }).waitFor();
  const guided = await make(FIELDS);
  const png = await saved(page);

  await page.locator("#reset").click();
  assert.equal(await page.getByRole("group", { name: /^Control \d/ }).count(), 0);
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images button").first().click();
  await page
    .locator("#viewer-facts")
    .filter({ hasText: "ControlNet controlnet-shape (1)" })
    .waitFor();
  await page.getByRole("button", { name: "Reuse these settings" }).click();
  await unit(page).getByRole("img", { name: "Control picture, 64 × 64" }).waitFor();
  assert.ok((await make({})).bytes.equals(guided.bytes), "made again");

  await page.locator('[data-view="gallery"]').click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export zip" }).click(),
  ]);
  const zip = await readFile(await download.path());

  await t.test("a browser without the file names it", async (t) => {
    const fresh = await visit(t, { device: "cpu", patience: PICTURE_MS });
    await fresh.state("ready");
    await dropped(fresh.page, "mine.png", png);
    const one = unit(fresh.page);
    await one.getByText("(not in this browser)").waitFor();
    await fresh.generate.press("Enter");
    assert.match(await fresh.complaint(), /“controlnet-shape” is not in this browser/);
    await dropNet(fresh.page);
    await one.getByText("(not in this browser)").waitFor({ state: "detached" });
    await fresh.generate.press("Enter");
    assert.match(await fresh.complaint(), /has no picture/);

    await dropped(fresh.page, "darkroom.zip", zip);
    await fresh.page.locator("#jobs li").nth(1).waitFor();
    await fresh.page.getByRole("button", { name: "Start" }).click();
    await fresh.page.locator("#strip li").nth(1).waitFor({ state: "attached" });
    assert.ok((await fresh.pixels()).bytes.equals(guided.bytes), "from the export");
  });
});

test("a ControlNet's folder is imported, saved, and imported again", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  await page.locator("#library summary").first().click();
  await page.locator("#library input[webkitdirectory]").setInputFiles(NET);
  const model = unit(page).getByLabel("Model").locator(":checked");
  await model.filter({ hasText: "controlnet-shape" }).waitFor({ state: "attached" });
  await unit(page).locator("input[type=file]").setInputFiles(picture);
  await unit(page).getByRole("img", { name: "Control picture" }).waitFor();
  const guided = await make(FIELDS);
  assert.ok(difference(guided, await native("")) <= 1, "the native program's picture");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export: controlnet-shape" }).click(),
  ]);
  assert.match(download.suggestedFilename(), /^controlnet-shape.*\.tar$/);
  const tar = join(folder, "net.tar");
  await download.saveAs(tar);
  page.once("dialog", (dialog) => void dialog.accept());
  await page.getByRole("button", { name: "Delete: controlnet-shape" }).click();
  await unit(page).getByText("(not in this browser)").waitFor();
  await page.locator("#library input[type=file]").first().setInputFiles(tar);
  await unit(page).getByText("(not in this browser)").waitFor({ state: "detached" });
  assert.ok((await make({})).bytes.equals(guided.bytes));
});

test("a ControlNet of another kind of model is refused with a sentence", async (t) => {
  const { page, state } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  const xl = Buffer.from(
    safetensors({
      "controlnet_cond_embedding.conv_in.weight": [16, 3, 3, 3],
      "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": [8, 2048],
      "controlnet_down_blocks.0.weight": [4, 4, 1, 1],
    }),
  );
  await dropped(page, "xl.safetensors", xl);
  const library = page.getByRole("region", { name: "Models" });
  await library.getByText("it is a ControlNet for Stable Diffusion XL").waitFor();
});
