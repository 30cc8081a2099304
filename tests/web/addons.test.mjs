// Files that change the built-in model, in the page: its own LoRA for four steps and its textual
// inversion, a TAESD, a VAE of its own. Each is dropped as a user drops it, and the image is the
// native program's with the same files. The LoRA draws on WebGPU; the rest is opened by the CPU,
// which takes a thirtieth of the time: their kernels are the model's own.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { seriousFaults } from "./harness/axe.mjs";
import { dropped } from "./harness/files.mjs";
import { PROGRAM, difference } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, visit } from "./harness/site.mjs";

const ROOT = join(import.meta.dirname, "../..");
const DEMO = join(ROOT, "web/models/demo");
const ADDONS = join(ROOT, "scripts/train_demo/addons");
const folder = await mkdtemp(join(tmpdir(), "darkroom-addons-"));
after(() => rm(folder, { recursive: true }));

const FIELDS = { steps: "4", seed: "7", width: "64", height: "64" };

/**
 * The picture of the native program.
 * @param {string} prompt
 * @param {string[]} more arguments
 */
async function native(prompt, ...more) {
  const out = join(folder, "native.png");
  await rm(out, { force: true });
  const fields = Object.entries(FIELDS).flatMap(([name, value]) => [`--${name}`, value]);
  const words = ["generate", "--model", DEMO, "--prompt", prompt, ...fields, "--out", out];
  await promisify(execFile)(PROGRAM, [...words, ...more]);
  return decodePng(await readFile(out));
}

/** The texts of the PNG that the page offers. @param {import("playwright-core").Page} page */
async function savedText(page) {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#download").click(),
  ]);
  return (await readFile(await download.path())).toString("latin1");
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {string} path
 */
async function imports(page, name, path) {
  await dropped(page, name, await readFile(path));
  const title = name.replace(/\.[a-z]+$/, "");
  await page.getByRole("button", { name: `Export: ${title}` }).waitFor();
}

test("a LoRA for few steps sets what belongs to it", async (t) => {
  const { page, state, make } = await visit(t, { patience: PICTURE_MS });
  await state("ready");
  const lora = join(ADDONS, "few-steps-lcm.safetensors");
  await imports(page, "few-steps-lcm.safetensors", lora);
  await page.getByRole("button", { name: "Use its settings: LCM, 4 steps, guidance 1" }).click();
  const prompt = "a green tree on a white background";
  const made = await make({ ...FIELDS, prompt });
  const settings = ["--sampler", "lcm", "--guidance", "1"];
  const theirs = await native(prompt, "--lora", lora, ...settings);
  assert.ok(difference(made, theirs) <= 1, "the native program's picture");
  const alone = await native(prompt, ...settings);
  assert.ok(difference(made, alone) > 8, "the LoRA changes it");
});

test("the word of a textual inversion is in the prompt, and calls it", async (t) => {
  const { page, state, make, type } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  const inversion = join(ADDONS, "teal.safetensors");
  await imports(page, "teal.safetensors", inversion);
  await page.getByText("textual inversion · called by: <teal>, teal").waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await page.getByRole("button", { name: "Use: teal" }).click();
  assert.match(await page.locator("#prompt").inputValue(), /, <teal>$/);
  const prompt = "a <teal> heart on a white background";
  const made = await make({ ...FIELDS, prompt });
  const theirs = await native(prompt, "--embedding", inversion);
  assert.ok(difference(made, theirs) <= 1, "the native program's picture");
  assert.match(await savedText(page), /"name":"teal","token":"<teal>","vectors":1/);
  // The file's name calls it as well; only the word beside it is unknown.
  const unknown = page.locator("#unknown-text");
  await type({ prompt: "a teal heart, zzz" });
  await unknown.filter({ hasText: "does not know “zzz”," }).waitFor();
  await type({ prompt: "a teal heart" });
  await unknown.filter({ hasText: /^$/ }).waitFor({ state: "attached" });
  // In another prompt nothing calls it.
  const plain = await make({ prompt: "a red heart on a white background" });
  const without = await native("a red heart on a white background");
  assert.ok(difference(plain, without) <= 1);
  assert.doesNotMatch(await savedText(page), /darkroom-embeddings/);
});

test("a TAESD and a VAE stand beside the model until they are taken off", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  const prompt = "a red heart on a white background";
  const plain = await make({ ...FIELDS, prompt });
  const line = page.locator("#engine-facts");

  const taesd = join(ROOT, "tests/golden/taesd/theirs/merged.safetensors");
  await imports(page, "tiny.safetensors", taesd);
  await page.getByRole("button", { name: "Use: tiny" }).click();
  await line.filter({ hasText: "other TAESD" }).waitFor();
  await state("ready");
  assert.ok((await make({})).bytes.equals(plain.bytes), "the VAE decodes the image");
  await page.getByRole("button", { name: "Stop using: tiny" }).click();
  await state("loading");
  await state("ready");
  assert.doesNotMatch((await line.textContent()) ?? "", /other/);

  const vae = join(DEMO, "vae/diffusion_pytorch_model.safetensors");
  await imports(page, "own.safetensors", vae);
  await page.getByText(/^VAE · /).waitFor();
  await page.getByRole("button", { name: "Use: own" }).click();
  await line.filter({ hasText: "other VAE" }).waitFor();
  await state("ready");
  const same = await make({});
  assert.ok(same.bytes.equals(plain.bytes), "the same VAE from a file of its own");
  assert.match(await savedText(page), /"part":"vae","name":"own\.safetensors"/);
});
