// LoRAs in the page: dropped, weighed, drawn with as the native program does, written into the
// image; found again by another image's record, and named where they are not stored. Drawn by the
// CPU, which opens a model thirty times sooner; addons.test.mjs draws with one on WebGPU.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { seriousFaults } from "./harness/axe.mjs";
import { dropped, pngWith, safetensors } from "./harness/files.mjs";
import { PROGRAM, difference } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, visit } from "./harness/site.mjs";

const folder = await mkdtemp(join(tmpdir(), "darkroom-loras-"));
after(() => rm(folder, { recursive: true }));

const DEMO = join(import.meta.dirname, "../../web/models/demo");
const PROMPT = "a red heart on a yellow background";
const FIELDS = { prompt: PROMPT, steps: "2", seed: "7", width: "64", height: "64" };
const MIDDLE = "mid_block_attentions_0_transformer_blocks_0_attn2_to_v";
const TEXT = "text_model_encoder_layers_0_mlp_fc1";

/** Of rank 1, in the middle of the built-in model's UNet and in its text encoder. */
const STYLE = Buffer.from(
  safetensors({
    [`lora_unet_${MIDDLE}.lora_down.weight`]: [1, 192],
    [`lora_unet_${MIDDLE}.lora_up.weight`]: [128, 1],
    [`lora_te_${TEXT}.lora_down.weight`]: [1, 192],
    [`lora_te_${TEXT}.lora_up.weight`]: [1280, 1],
  }),
);
/** Of the UNet alone. */
const OTHER = Buffer.from(
  safetensors({
    [`lora_unet_${MIDDLE}.lora_down.weight`]: [1, 192],
    [`lora_unet_${MIDDLE}.lora_up.weight`]: [128, 1],
  }),
);

/** How many pictures the native program has drawn. */
let natives = 0;

/**
 * The picture of the native program's, with these LoRAs.
 * @param {string[]} more arguments
 */
async function native(...more) {
  const out = join(folder, `${(natives += 1)}.png`);
  const fields = ["--prompt", PROMPT, "--steps", "2", "--seed", "7"];
  const size = ["--width", "64", "--height", "64", "--out", out];
  await promisify(execFile)(PROGRAM, ["generate", "--model", DEMO, ...fields, ...size, ...more]);
  return decodePng(await readFile(out));
}

/** @param {import("playwright-core").Page} page */
async function openBox(page) {
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await page.locator("#lora-box").evaluate((box) => box.setAttribute("open", ""));
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {Buffer} bytes
 */
async function imports(page, name, bytes) {
  await dropped(page, `${name}.safetensors`, bytes);
  await page.getByLabel(`Weight of ${name}`, { exact: true }).waitFor();
}

/** The PNG that the page offers. @param {import("playwright-core").Page} page */
async function saved(page) {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#download").click(),
  ]);
  return readFile(await download.path());
}

test("a LoRA is dropped, weighed, drawn with, written down and found again", async (t) => {
  await writeFile(join(folder, "style.safetensors"), STYLE);
  await writeFile(join(folder, "other.safetensors"), OTHER);
  const [style, other] = ["style", "other"].map((name) => join(folder, `${name}.safetensors`));
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  const plain = await make(FIELDS);
  await openBox(page);
  await page.getByText("None is stored in this browser.").waitFor();

  await imports(page, "style", STYLE);
  assert.deepEqual(await seriousFaults(page), []);
  const field = page.getByLabel("Weight of style", { exact: true });
  await field.fill("0.4");
  const changed = await make(FIELDS);
  assert.ok(!changed.bytes.equals(plain.bytes));
  const theirs = await native("--lora", `${style}:0.4`);
  assert.ok(difference(changed, theirs) <= 1, "the native program's picture");
  const png = await saved(page);

  await t.test("without the text encoder, with another one, and without any", async () => {
    await page.getByLabel("style also changes the text encoder").uncheck();
    const alone = await make(FIELDS);
    assert.ok(!alone.bytes.equals(changed.bytes));
    await imports(page, "other", OTHER);
    await page.getByLabel("Weight of other", { exact: true }).fill("-0,2");
    const two = await make(FIELDS);
    const theirs = await native(
      ...["--lora", `${style}:0.4`, "--lora", `${other}:-0.2`],
      "--no-lora-text-encoder",
    );
    assert.ok(difference(two, theirs) <= 1, "two of them");
    for (const name of ["style", "other"])
      await page.getByRole("button", { name: `Remove ${name}` }).click();
    assert.ok((await make(FIELDS)).bytes.equals(plain.bytes), "as before any");
  });

  await t.test("the image's record chooses it again", async () => {
    await page.getByRole("button", { name: "Reset" }).click();
    await dropped(page, "mine.png", png);
    await page.getByLabel("Weight of style", { exact: true }).waitFor();
    assert.equal(await page.getByLabel("Weight of style", { exact: true }).inputValue(), "0.4");
    await page.getByRole("button", { name: "Generate" }).press("Enter");
    await state("ready");
    const again = await make({});
    assert.ok(again.bytes.equals(changed.bytes));
  });

  await t.test("a tag of the prompt weighs it, where the syntax is on", async () => {
    await page.getByRole("button", { name: "Reset" }).click();
    const prompt = `${PROMPT}<lora:Style:0.4>`;
    const settings = "Steps: 2, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 64x64, RNG: CPU";
    const parameters = `${prompt}<lora:absent:0.3>\n${settings}, Version: v1.9`;
    await dropped(page, "theirs.png", pngWith({ parameters }));
    await page.locator("#losses").filter({ hasText: "LoRA absent (0.3)" }).waitFor();
    const tagged = await make({ prompt });
    assert.ok(difference(tagged, theirs) <= 1, "the tag's picture");
  });

  await t.test("a browser without it names it, and makes nothing else instead", async (t) => {
    const fresh = await visit(t, { device: "cpu", patience: PICTURE_MS });
    await fresh.state("ready");
    await dropped(fresh.page, "mine.png", png);
    await fresh.page.getByText("(not in this browser)").waitFor();
    await fresh.generate.press("Enter");
    assert.match(await fresh.complaint(), /The LoRA “style” is not in this browser/);
    await imports(fresh.page, "style", STYLE);
    await fresh.page.getByText("(not in this browser)").waitFor({ state: "detached" });
    const made = await fresh.make({});
    assert.ok(made.bytes.equals(changed.bytes), "the same picture");
  });
});

test("what is no LoRA for this model is refused with a sentence", async (t) => {
  const { page, state, make, generate, complaint } = await visit(t, {
    device: "cpu",
    patience: PICTURE_MS,
  });
  await state("ready");
  await openBox(page);
  const sdxl = Buffer.from(
    safetensors({
      "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": [1, 8],
      "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": [8, 1],
    }),
  );
  await dropped(page, "xl.safetensors", sdxl);
  await page.getByText(/xl\.safetensors.*it is a LoRA for SDXL/).waitFor();
  const toKeys = `lora_unet_${MIDDLE.replace("to_v", "to_k")}`;
  const wide = Buffer.from(
    safetensors({
      [`${toKeys}.lora_down.weight`]: [1, 1024],
      [`${toKeys}.lora_up.weight`]: [128, 1],
    }),
  );
  await imports(page, "wide", wide);
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await generate.press("Enter");
  assert.match(await complaint(), /wide\.safetensors.*LoRA for Stable Diffusion 2/);
  await page.getByRole("button", { name: "Remove wide" }).click();
  await make(FIELDS);
});
