// What was made: kept, found again, compared, taken along, and used once more. A double stands in
// the engine's place.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { dropped, pngWith } from "./harness/files.mjs";
import { CAT, RECORDS } from "./harness/records.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/** @param {Awaited<ReturnType<typeof visit>>} app */
function gallery({ page }) {
  const prints = page.locator("#images li");
  return {
    prints,
    enter: () => page.getByRole("button", { name: "Gallery", exact: true }).click(),
    /** @param {number} count */
    async holds(count) {
      await page.waitForFunction(
        (wanted) => document.querySelectorAll("#images li").length === wanted,
        count,
      );
    },
    /** @param {number} index */
    mark: (index) => prints.nth(index).getByRole("checkbox").check(),
  };
}

test("pictures are kept, found, compared, exported and deleted", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2" });
  const { page, state, make } = app;
  const { enter, holds, mark, prints } = gallery(app);
  await state("ready");
  await make({ prompt: "a red cat", seed: "5" });
  await make({ prompt: "a blue dog", seed: "6" });
  await make({ prompt: "a blue cat", seed: "7" });
  await enter();
  await holds(3);
  // Never "0.0 MB".
  const facts = (await page.locator("#gallery-facts").textContent()) ?? "";
  assert.match(facts, /^3 images, [1-9]\d* kB$/);

  await t.test("they are still there after a reload", async () => {
    await page.reload();
    await state("ready");
    await enter();
    await holds(3);
  });
  await t.test("search and favourites", async () => {
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.fill("cat blue");
    await holds(1);
    await search.fill("");
    await prints.nth(1).getByRole("button").click();
    await page.getByRole("button", { name: "Favourite", exact: true }).click();
    await page.getByRole("button", { name: "★ Favourite", exact: true }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("checkbox", { name: "Favourites" }).check();
    await holds(1);
    await page.getByRole("checkbox", { name: "Favourites" }).uncheck();
    await holds(3);
  });
  await t.test("two are compared, by eye and in numbers", async () => {
    await mark(0);
    await mark(1);
    await page.locator("#compare").click();
    const facts = page.locator("#comparison-facts");
    await facts.filter({ hasText: /^PSNR \d+\.\d dB$/ }).waitFor();
    await page.getByRole("slider").fill("20");
    const clip = await page
      .locator("#comparison-second")
      .evaluate((image) => getComputedStyle(image).clipPath);
    assert.match(clip, /20%/);
    await page.locator("#comparison-close").click();
  });
  await t.test("the marked ones are exported as a zip that others can read", async () => {
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export zip (2)" }).click();
    const files = unzip(await readFile(await (await downloading).path()));
    assert.deepEqual(
      [...files.keys()],
      ["000003-a-blue-cat-7.png", "000002-a-blue-dog-6.png", "requests.jsonl"],
    );
    const lines = (files.get("requests.jsonl") ?? Buffer.alloc(0)).toString().trim().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).seed),
      ["7", "6"],
    );
    assert.equal(files.get("000003-a-blue-cat-7.png")?.readUInt32BE(0), 0x89504e47);
  });
  await t.test("the marked ones are deleted", async () => {
    await page.getByRole("button", { name: "Delete (2)", exact: true }).click();
    await holds(1);
  });
  await t.test("a request is used again", async () => {
    await prints.first().getByRole("button").click();
    await page.getByRole("button", { name: "Reuse these settings" }).click();
    assert.equal(await page.locator("#prompt").inputValue(), "a red cat");
    assert.equal(await page.locator("#seed").inputValue(), "5");
  });
});

/**
 * A gallery of four: a cat, a dog, another cat, another dog, the latest first.
 * @param {import("node:test").TestContext} t
 */
async function four(t) {
  const app = await visit(t, { server, hash: "#steps=1" });
  await app.state("ready");
  for (const [seed, prompt] of ["old dog", "old cat", "new dog", "new cat"].entries())
    await app.make({ prompt, seed: String(seed) });
  const view = gallery(app);
  await view.enter();
  await view.holds(4);
  return { ...app, ...view, names: () => names(app.page) };
}

/** @param {import("playwright-core").Page} page */
const names = (page) =>
  page.locator("#images li button").evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel));

test("what is selected and not shown is neither deleted nor exported", async (t) => {
  const { page, mark, holds } = await four(t);
  const search = page.getByRole("searchbox", { name: "Search" });
  await mark(1);
  await search.fill("cat");
  await holds(2);
  const facts = page.locator("#selection-facts");
  await facts.filter({ hasText: "0 selected; 1 more, not shown" }).waitFor();
  assert.equal(await page.locator("#delete").isDisabled(), true);
  await mark(0);
  await page.getByRole("button", { name: "Delete (1)" }).click();
  await holds(1);
  await search.fill("");
  await holds(3);
  assert.deepEqual(await names(page), ["new dog", "old cat", "old dog"]);
  await page.getByRole("button", { name: "Clear selection" }).click();
  assert.equal(await page.locator("#images :checked").count(), 0);
});

test("Export takes along what is shown, and its name says how many", async (t) => {
  const { page, holds } = await four(t);
  await page.getByRole("searchbox", { name: "Search" }).fill("dog");
  await holds(2);
  const facts = (await page.locator("#gallery-facts").textContent()) ?? "";
  assert.match(facts, /^2 of 4 images, \d+ kB/);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export 2 shown" }).click();
  const files = unzip(await readFile(await (await downloading).path()));
  assert.deepEqual(
    [...files.keys()].map((name) => name.replace(/^\d+-/, "")),
    ["new-dog-2.png", "old-dog-0.png", "requests.jsonl"],
  );
});

test("a deleted picture comes back as it was, from the gallery and from the viewer", async (t) => {
  const { page, holds, mark, prints } = await four(t);
  await mark(0);
  await mark(1);
  await page.getByRole("button", { name: "Delete (2)" }).click();
  await holds(2);
  await page.locator("#undo-text").filter({ hasText: "2 images are deleted." }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await holds(4);
  assert.deepEqual(await names(page), ["new cat", "new dog", "old cat", "old dog"]);
  assert.equal(await page.locator("#undo").isVisible(), false);

  await prints.nth(2).getByRole("button").click();
  const viewer = page.locator("#viewer");
  await page.locator("#viewer-delete").click();
  // It stands above the dialog, whose page is out of reach.
  await viewer.getByRole("button", { name: "Undo" }).click();
  await page.locator("#viewer-close").click();
  await viewer.waitFor({ state: "hidden" });
  await holds(4);
  await prints.nth(2).getByRole("button").click();
  await page.waitForFunction(() => {
    const image = /** @type {HTMLImageElement} */ (document.getElementById("viewer-image"));
    return image.complete && image.naturalWidth === 64;
  });
});

test("pictures are selected by Shift, Ctrl+A and arrows, and deleted by their key", async (t) => {
  const { page, holds, mark, prints } = await four(t);
  const checked = () => page.locator("#images :checked").count();
  const focus = () =>
    page.evaluate(() => document.activeElement?.closest("li")?.querySelector("button")?.ariaLabel);
  await mark(0);
  await prints
    .nth(2)
    .getByRole("checkbox")
    .click({ modifiers: ["Shift"] });
  assert.equal(await checked(), 3);
  await page.keyboard.press("Escape");
  assert.equal(await checked(), 0);
  await page.keyboard.press("Control+a");
  assert.equal(await checked(), 4);
  await page.keyboard.press("Escape");
  await prints.nth(0).getByRole("checkbox").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+Space");
  assert.equal(await checked(), 3);
  await page.keyboard.press("Escape");

  await prints.nth(0).getByRole("button").focus();
  await page.keyboard.press("End");
  assert.equal(await focus(), "old dog");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await focus(), "old cat");
  await page.keyboard.press("Delete");
  await holds(3);
  // The focus is at what stands there now.
  assert.equal(await focus(), "old dog");
  await page.getByRole("button", { name: "Select all" }).click();
  assert.equal(await checked(), 3);
});

test("a full gallery deletes the oldest when it is told to, and brings them back", async (t) => {
  const before = () => localStorage.setItem("darkroom.gallery-bound", "40000");
  const app = await visit(t, { server, hash: "#steps=2", before });
  const { enter, holds } = gallery(app);
  await app.state("ready");
  await app.make({ prompt: "first", seed: "1" });
  await app.make({ prompt: "second", seed: "2" });
  await app.make({ prompt: "third", seed: "3" });
  await enter();
  await holds(3);
  await app.page.getByRole("button", { name: "Delete the oldest" }).click();
  await holds(2);
  assert.equal(await app.page.getByRole("button", { name: "first" }).count(), 0);
  await app.page.getByRole("button", { name: "Undo" }).click();
  await holds(3);
  assert.ok((await app.page.getByRole("button", { name: "first" }).count()) > 0);
});

test("the gallery's bound is the user's, is kept, and storage is shown", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2" });
  const { page, state, make } = app;
  const { enter, holds } = gallery(app);
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  await make({ prompt: "second", seed: "2" });
  await enter();
  await holds(2);
  const storage = page.locator("#gallery-storage");
  await storage.filter({ hasText: /^This site keeps .* at most/ }).waitFor();
  const bound = page.getByLabel("Gallery size limit");
  const names = await bound.locator("option").allTextContents();
  assert.deepEqual(names, ["100 MB", "500 MB", "1.00 GB", "5.00 GB", "20.00 GB", "no limit"]);
  assert.equal(await bound.inputValue(), "1000000000");
  await page.evaluate(() => {
    const bound = /** @type {HTMLSelectElement} */ (document.getElementById("gallery-bound"));
    bound.append(new Option("tiny", "20000"));
  });
  await bound.selectOption("20000");
  const full = /holds \d+ kB, more than its 20 kB.*oldest/;
  await page.locator("#full-text").filter({ hasText: full }).waitFor();
  await bound.selectOption("no limit");
  await page.locator("#full").waitFor({ state: "hidden" });
  await page.reload();
  await state("ready");
  await enter();
  assert.equal(await bound.inputValue(), "0");
});

test("a picture's record says which model drew it", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2" });
  const { page, state, make } = app;
  const { enter, holds, prints } = gallery(app);
  const shows = (/** @type {RegExp} */ facts) =>
    page.locator("#viewer-facts").filter({ hasText: facts }).waitFor();
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  await page.evaluate(() => (location.hash = "#model=models/other&steps=2&device=webgpu"));
  await state("loading");
  await state("ready");
  await make({ prompt: "second", seed: "2" });
  await enter();
  await holds(2);
  await prints.nth(1).getByRole("button").click();
  await shows(/ · The double · revision 01234567 · SHA-256 ba7816bf8f… · /);
  await page.getByRole("button", { name: "Previous" }).click();
  await shows(/ · models\/other · /);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("searchbox", { name: "Search" }).fill("the double");
  await holds(1);
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export zip" }).click();
  const files = unzip(await readFile(await (await downloading).path()));
  const lines = (files.get("requests.jsonl") ?? Buffer.alloc(0)).toString().trim().split("\n");
  const told = lines.map((line) => JSON.parse(line).provenance?.revision);
  assert.deepEqual(told, [undefined, "0123456789"]);
});

test("a picture's record says which parts were not the model's own", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2&vae=models/own.safetensors" });
  const { page, state, make } = app;
  const { enter, holds, prints } = gallery(app);
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  await enter();
  await holds(1);
  await prints.nth(0).getByRole("button").click();
  const facts = page.locator("#viewer-facts");
  await facts.filter({ hasText: / · VAE: own\.safetensors \(ba7816bf8f\) · / }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export zip" }).click();
  const bytes = await readFile(await (await downloading).path());
  const list = unzip(bytes).get("requests.jsonl") ?? Buffer.alloc(0);
  const [told] = JSON.parse(list.toString()).parts;
  assert.deepEqual([told.part, told.name, told.sha256.length], ["vae", "own.safetensors", 64]);
  // The list is read again without them.
  await dropped(page, "again.zip", bytes);
  await page.locator("#jobs li").first().waitFor();
});

test("a dropped picture fills in the form, whoever wrote it", async (t) => {
  const app = await visit(t, { server, hash: "#steps=9&guidance=3" });
  const { page, state } = app;
  await state("ready");
  const values = () =>
    page.evaluate(() =>
      Object.fromEntries(
        ["prompt", "negative_prompt", "steps", "guidance_scale", "seed", "sampler", "sigmas"].map(
          (id) => [id, /** @type {HTMLInputElement} */ (document.getElementById(id)).value],
        ),
      ),
    );
  const same = { ...CAT, guidance_scale: "6.5", sampler: "dpmpp_2m", sigmas: "karras" };
  for (const [program, texts] of RECORDS) {
    await page.getByRole("button", { name: "Reset" }).click();
    await dropped(page, "picture.png", pngWith(texts));
    // The sentence may be that of the picture before, the prompt is not.
    await page.waitForFunction(
      (text) => /** @type {any} */ (document.getElementById("prompt")).value === text,
      CAT.prompt,
    );
    await page.locator("#progress-text").filter({ hasText: program }).waitFor();
    assert.deepEqual(await values(), same, program);
    assert.equal(await page.locator("#height").inputValue(), "96");
  }
  await t.test("without a request it is what the next picture begins with", async () => {
    await dropped(page, "plain.png", pngWith({}));
    await page.locator("#progress-text").filter({ hasText: "plain.png has no saved" }).waitFor();
    assert.equal(await page.locator("#initial-box").isVisible(), true);
    assert.deepEqual(await values(), same);
  });
});

/**
 * The files of a zip whose entries are stored; their sums are checked.
 * @param {Buffer} zip
 */
function unzip(zip) {
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  let at = zip.readUInt32LE(end + 16);
  for (let i = 0; i < zip.readUInt16LE(end + 10); i++) {
    assert.equal(zip.readUInt32LE(at), 0x02014b50);
    const [size, length] = [zip.readUInt32LE(at + 24), zip.readUInt16LE(at + 28)];
    const name = zip.toString("utf8", at + 46, at + 46 + length);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + size);
    assert.equal(zip.readUInt32LE(at + 16), crc32(bytes), name);
    files.set(name, bytes);
    at += 46 + length;
  }
  return files;
}
