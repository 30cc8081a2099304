// LoRAs by their manifests and by their hashes: one that a link names is fetched after its licence
// and used; those of the built-in model are offered; another program's image calls a stored one by
// the hash that this program computes. Drawn by the CPU; addons.test.mjs draws with one on WebGPU.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { seriousFaults } from "./harness/axe.mjs";
import { dropped, pngWith, safetensors } from "./harness/files.mjs";
import { PROGRAM, difference } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, SITE, visit } from "./harness/site.mjs";

const ROOT = join(import.meta.dirname, "../..");
const DEMO = join(ROOT, "web/models/demo");
const EVENING = join(ROOT, "scripts/train_demo/addons/evening.safetensors");
const folder = await mkdtemp(join(tmpdir(), "darkroom-fetched-"));
after(() => rm(folder, { recursive: true }));

const PROMPT = "a red heart on a yellow background";
const FIELDS = { prompt: PROMPT, steps: "2", seed: "7", width: "64", height: "64" };
const LICENCE = "Use it kindly.\n";

const sha256 = (/** @type {Uint8Array} */ bytes) =>
  createHash("sha256").update(bytes).digest("hex");

/** Of rank 1, in the middle of the built-in model's UNet. */
const STYLE = Buffer.from(
  safetensors({
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_v.lora_down.weight": [1, 192],
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_v.lora_up.weight": [128, 1],
  }),
);
/** What other programs call it: SHA-256 of what follows the header. */
const MODEL_HASH = sha256(STYLE.subarray(8 + Number(STYLE.readBigUInt64LE()))).slice(0, 12);

/**
 * A folder that a site serves beside its own: the LoRA, its licence and its manifest.
 * @param {object} [more] fields of the manifest
 */
async function served(more = {}) {
  const root = await mkdtemp(join(folder, "site-"));
  const own = join(root, "addons/style");
  await mkdir(own, { recursive: true });
  const { length: bytes } = STYLE;
  const manifest = {
    ...{ format: 1, id: "a-style", title: "A style", kind: "lora", words: ["paint brush", "oil"] },
    base_model: "the built-in model",
    licence: { name: "The kind one", file: "LICENSE.txt", sha256: sha256(Buffer.from(LICENCE)) },
    ...{ base: "", hosts: [], chunk_bytes: 4096 },
    files: [{ path: "style.safetensors", bytes, sha256: sha256(STYLE) }],
    ...more,
  };
  await writeFile(join(own, "manifest.json"), JSON.stringify(manifest));
  await writeFile(join(own, "LICENSE.txt"), LICENCE);
  await writeFile(join(own, "style.safetensors"), STYLE);
  return root;
}

/** @param {string[]} more arguments of the native program */
async function native(...more) {
  const out = join(folder, "native.png");
  await rm(out, { force: true });
  const fields = ["--prompt", PROMPT, "--steps=2", "--seed=7", "--width=64", "--height=64"];
  const words = ["generate", "--model", DEMO, ...fields, "--out", out, ...more];
  await promisify(execFile)(PROGRAM, words);
  return decodePng(await readFile(out));
}

/** The requests for a LoRA's bytes. @param {import("playwright-core").Page} page */
function watched(page) {
  /** @type {string[]} */
  const asked = [];
  page.context().on("request", (request) => {
    if (request.url().endsWith(".safetensors") && !request.url().includes("/demo/"))
      asked.push(request.url());
  });
  return asked;
}

test("a LoRA of a link is fetched after its licence, and used with its words", async (t) => {
  const server = { roots: [await served(), SITE] };
  const hash = "#lora=addons/style/:0.4";
  const { page, state, make } = await visit(t, {
    server,
    hash,
    device: "cpu",
    patience: PICTURE_MS,
  });
  const asked = watched(page);
  await state("ready");
  const absent = page.locator("#lora-list li").filter({ hasText: "style (not in this browser)" });
  await absent.waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  // The address goes on naming it, until it is stored.
  await page.waitForFunction(() => location.hash.includes("lora=addons"));
  await page.getByRole("button", { name: "Get style" }).click();
  const dialog = page.getByRole("dialog", { name: /The kind one/ });
  await dialog.getByText("Use it kindly.").waitFor();
  assert.deepEqual(asked, [], "the licence is shown before the first byte");
  await dialog.getByRole("button", { name: "I do not accept" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(asked, [], "and nothing is asked for where it is declined");
  await page.getByRole("button", { name: "Get style" }).click();
  await dialog.getByRole("button", { name: "I accept" }).click();
  const weight = page.getByLabel("Weight of style", { exact: true });
  await absent.waitFor({ state: "detached" });
  assert.equal(await weight.inputValue(), "0.4");
  await page.waitForFunction(() => /loras=style(%23|#)/.test(location.hash));
  assert.doesNotMatch(page.url(), /lora=addons/);
  await page.getByText(/LoRA · words: paint brush, oil · made for the built-in model/).waitFor();

  const made = await make(FIELDS);
  const lora = join(folder, "style.safetensors");
  await writeFile(lora, STYLE);
  assert.ok(difference(made, await native("--lora", `${lora}:0.4`)) <= 1);

  await t.test("its words are added to the prompt", async () => {
    await page.getByRole("button", { name: "Add “paint brush” of style to the prompt" }).click();
    assert.equal(await page.locator("#prompt").inputValue(), `${PROMPT}, paint brush`);
  });

  await t.test("its export is the file itself", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export: A style" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "style.safetensors");
    assert.ok((await readFile(await download.path())).equals(STYLE));
  });

  await t.test("the hash of other programs is computed when it is first needed", async () => {
    await page.getByRole("button", { name: "Reset" }).click();
    const line = "Steps: 2, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 64x64, RNG: CPU";
    const list = `Lora hashes: "theirs: ${MODEL_HASH}"`;
    const parameters = `${PROMPT}<lora:theirs:0.4>\n${line}, ${list}, Version: v1.9`;
    await dropped(page, "theirs.png", pngWith({ parameters }));
    await weight.waitFor();
    assert.equal(await page.locator("#prompt").inputValue(), PROMPT);
    assert.equal(await page.locator("#losses").isVisible(), false, "nothing is missing");
    const again = await make({});
    assert.ok(again.bytes.equals(made.bytes));
  });
});

test("a link that names nothing says so, and a file alone can be fetched", async (t) => {
  const server = { roots: [await served(), SITE] };
  const hash = "#lora=addons/none/&lora=addons/style/style.safetensors:-1";
  const expected = /404/;
  const { page, state } = await visit(t, {
    server,
    hash,
    expected,
    device: "cpu",
    patience: PICTURE_MS,
  });
  await state("ready");
  await page.getByRole("button", { name: "Get none" }).click();
  await page.getByText(/There is no LoRA at addons\/none\//).waitFor();
  await page.getByRole("button", { name: "Remove none" }).click();
  /** @type {string[]} */
  const said = [];
  page.on("dialog", (dialog) => {
    said.push(dialog.message());
    void dialog.accept();
  });
  await page.getByRole("button", { name: "Get style" }).click();
  await page.getByText("not in this browser").waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Weight of style", { exact: true }).inputValue(), "-1");
  const size = `${Math.ceil(STYLE.length / 1000)} kB`;
  assert.deepEqual(said, [`Download style (${size}) from this site? Its licence: not told.`]);
});

test("files of one name are told apart by their addresses", async (t) => {
  const root = await served();
  const other = join(root, "addons/other");
  await mkdir(other);
  // Of one length with the first: the last byte is another.
  const bytes = Buffer.from(STYLE);
  bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
  await writeFile(join(other, "style.safetensors"), bytes);
  const server = { roots: [root, SITE] };
  const hash = "#lora=addons/style/style.safetensors";
  const { page, state } = await visit(t, { server, hash, device: "cpu", patience: PICTURE_MS });
  await state("ready");
  page.on("dialog", (dialog) => void dialog.accept());
  const absent = page.getByText("not in this browser");
  for (const [address, file] of /** @type {const} */ ([
    ["addons/style/style.safetensors", STYLE],
    ["addons/other/style.safetensors?download=true", bytes],
  ])) {
    await page.evaluate((link) => (location.hash = `#lora=${link}`), address);
    await absent.waitFor();
    await page.getByRole("button", { name: "Get style" }).click();
    await absent.waitFor({ state: "detached" });
    const own = new RegExp(`loras=style(%23|#)${sha256(file).slice(0, 12)}`);
    await page.waitForFunction((text) => new RegExp(text).test(location.hash), own.source);
  }
  // Each link finds its own again, and asks for nothing.
  for (const [address, file] of /** @type {const} */ ([
    ["addons/style/style.safetensors", STYLE],
    ["addons/other/style.safetensors", bytes],
  ])) {
    await page.evaluate((link) => (location.hash = `#lora=${link}`), address);
    await page.locator(".lora-name", { hasText: sha256(file).slice(0, 12) }).waitFor();
    assert.equal(await absent.count(), 0);
  }
});

test("nothing is asked of another site before the user agrees, or under the lock", async (t) => {
  const hash = "#lora=https://elsewhere.test/files/style.safetensors";
  const { page, state } = await visit(t, { hash, device: "cpu", patience: PICTURE_MS });
  await state("ready");
  /** @type {string[]} */
  const said = [];
  page.on("dialog", (dialog) => {
    said.push(dialog.message());
    void dialog.dismiss();
  });
  const get = page.getByRole("button", { name: "Get style" });
  await get.click();
  await page.waitForFunction(() => !document.querySelector(".lora-get[aria-disabled]"));
  assert.match(said.join(), /^The link names a LoRA on elsewhere\.test\. /);
  const lock = page.locator("#offline-lock:enabled");
  await lock.waitFor({ state: "attached" });
  await lock.evaluate((box) => /** @type {HTMLInputElement} */ (box).click());
  await get.click();
  await page.getByRole("alert").getByText("The offline lock is on").waitFor();
  assert.equal(said.length, 1);
});

test("those of the built-in model are offered", async (t) => {
  const { page, state, make, type } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await page.locator("#lora-box").evaluate((box) => box.setAttribute("open", ""));
  const group = page.locator("#lora-add optgroup");
  await group.locator("option").first().waitFor({ state: "attached" });
  assert.deepEqual(await group.locator("option").allTextContents(), ["evening", "few-steps-lcm"]);
  page.on("dialog", (dialog) => {
    assert.match(
      dialog.message(),
      /evening \(782 kB\) from this site.*MIT or Apache-2\.0.*built-in/,
    );
    void dialog.accept();
  });
  await page.locator("#lora-add").selectOption("demo-evening");
  await page.getByRole("button", { name: "Get demo-evening" }).click();
  await page.getByLabel("Weight of evening", { exact: true }).waitFor();
  const made = await make(FIELDS);
  assert.ok(difference(made, await native("--lora", EVENING)) <= 1);
  // It teaches the model no word, unlike another one perhaps.
  const unknown = page.locator("#unknown-text");
  await type({ prompt: "a red heart, zzz" });
  await unknown.filter({ hasText: "does not know “zzz”," }).waitFor();
  await page
    .getByText(/LoRA · made for the built-in model · 782 kB · MIT or Apache-2\.0/)
    .waitFor();
  await page.getByText(/textual inversion · called by: <teal>/).waitFor();
  // With the offers known, another file is none of them.
  await dropped(page, "mine.safetensors", STYLE);
  await page.getByLabel("Weight of mine", { exact: true }).waitFor();
  await unknown.filter({ hasText: /^$/ }).waitFor({ state: "attached" });
});

test("an image calls stored files by their hashes, whatever their names are", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", patience: PICTURE_MS });
  await state("ready");
  await page.locator("#settings").evaluate((box) => box.setAttribute("open", ""));
  await dropped(page, "mine.safetensors", STYLE);
  const weight = page.getByLabel("Weight of mine", { exact: true });
  await weight.waitFor();
  const plain = await make({ ...FIELDS, prompt: PROMPT });
  const settings = "Steps: 2, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 64x64, RNG: CPU";
  const cases = [
    [`<lora:theirs:1>`, `Lora hashes: "theirs: ${MODEL_HASH}", Version: v1.9`],
    [`<lora:theirs:1>`, `Hashes: {"lora:theirs": "${sha256(STYLE).slice(0, 10)}"}, Version: v1.9`],
    ["", `Lora hashes: "theirs: ${MODEL_HASH}", Lora weights: "theirs: 1", Version: Fooocus`],
  ];
  for (const [tag, list] of cases) {
    await page.getByRole("button", { name: "Reset" }).click();
    await weight.waitFor({ state: "detached" });
    const parameters = `${PROMPT}${tag}\n${settings}, ${list}`;
    await dropped(page, "theirs.png", pngWith({ parameters }));
    await weight.waitFor();
    assert.equal(await page.locator("#losses").isVisible(), false, list);
    assert.ok((await make({})).bytes.equals(plain.bytes), list);
  }

  await t.test("and one that is not here is named with its hash", async () => {
    await page.getByRole("button", { name: "Reset" }).click();
    const lists = 'Lora hashes: "mine: 00aa11bb22cc", TI hashes: "word: 99887766554433"';
    const parameters = `${PROMPT}<lora:mine:0.8>\n${settings}, ${lists}, Version: v1.9`;
    await dropped(page, "theirs.png", pngWith({ parameters }));
    const note = page.locator("#losses").filter({
      hasText: "LoRA mine (0.8), hash 00aa11bb22cc (the stored file of that name is used instead)",
    });
    await note.filter({ hasText: "textual inversion word, hash 998877665544" }).waitFor();
  });
});
