// Editing: a result is masked and made again, before and after; masks in the gallery, in the queue
// and in an export; the picture extended at its sides. A double stands in the engine's place: with
// a mask its picture is the start image where the mask is black; two pictures are the real one's.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { PHOTO, SIDE, colourAt, offered, open, paint } from "./harness/editor.mjs";
import { dropped, pngOf } from "./harness/files.mjs";
import { decodePng } from "./harness/png.mjs";
import { DOUBLE, PICTURE_MS, visit } from "./harness/site.mjs";
import { zip } from "../../web/files/zip.js";

/** @typedef {import("playwright-core").Page} Page */

const server = { roots: DOUBLE };

test("a result is edited, is the next start, and what was before comes back", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  await open(page);
  await paint(page, [10, 16], [54, 16]);
  await page.getByRole("button", { name: "Done" }).click();
  await make({ prompt: "first", seed: "3" });
  const first = await offered(page);

  // Before and after: the slider shows more of the start image.
  const slider = page.getByRole("slider", { name: "Before and after" });
  await slider.waitFor();
  const shown = () =>
    page.evaluate(() => {
      const before = /** @type {HTMLCanvasElement} */ (document.getElementById("before"));
      const copy = new OffscreenCanvas(before.width, before.height);
      const context = copy.getContext("2d", { willReadFrequently: true });
      context?.drawImage(before, 0, 0);
      const pixel = context?.getImageData(30, 16, 1, 1).data ?? [];
      return { clip: getComputedStyle(before).clipPath, pixel: [...pixel].slice(0, 3) };
    });
  assert.deepEqual((await shown()).pixel, [10, 20, 200]);
  await slider.focus();
  await page.keyboard.press("End");
  assert.match((await shown()).clip, /^inset\(0px 0%/);
  assert.equal(await slider.getAttribute("aria-valuetext"), "before");
  await page.keyboard.press("Home");
  assert.match((await shown()).clip, /100%/);

  await page.getByRole("button", { name: "Use as next start image" }).click();
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
  await page.getByRole("button", { name: "Previous start image (1)" }).waitFor();
  assert.equal(await page.locator("#prompt").inputValue(), "first");
  await make({ prompt: "second", seed: "4" });
  assert.deepEqual((await offered(page)).bytes, first.bytes, "the double gives back the start");

  // The history is there after a reload, and brings back image and mask.
  await page.waitForFunction(() => localStorage.getItem("darkroom.form")?.includes("second"));
  await page.reload();
  await state("ready");
  await page.getByRole("button", { name: "Previous start image (1)" }).click();
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  // The one whose place it took can be had back as well.
  await page.getByRole("button", { name: "Previous start image (1)" }).click();
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
  await page.getByRole("button", { name: "Previous start image (1)" }).click();
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  await make({ prompt: "first", seed: "3" });
  assert.deepEqual((await offered(page)).bytes, first.bytes);

  // Edit opens the painter on the result; the browser's Back closes it.
  await page.locator("#edit").click();
  await page.locator("#editor[open]").waitFor();
  await page.locator("#editor-status").filter({ hasText: "Nothing is masked" }).waitFor();
  await page.goBack();
  await page.locator("#editor").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
  await page.getByRole("button", { name: "Reset" }).click();
  assert.equal(await page.locator("#initial-steps").isVisible(), false);

  // From the gallery, too: before and after, and all settings again.
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").last().click();
  const facts = page.locator("#viewer-facts");
  await facts.filter({ hasText: "from an image, strength 0.8, inside a mask" }).waitFor();
  const viewed = page.locator("#viewer").getByRole("slider", { name: "Before and after" });
  await viewed.waitFor();
  await viewed.fill("40");
  await viewed.press("ArrowRight");
  assert.match((await facts.textContent()) ?? "", /inside a mask/, "the arrows move the slider");
  assert.equal(await viewed.getAttribute("aria-valuetext"), "41 % before");
  assert.deepEqual(await seriousFaults(page), []);
  await page.locator("#viewer-edit").click();
  await page.locator("#editor[open]").waitFor();
  await page.locator("#editor-status").filter({ hasText: "Nothing is masked" }).waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  assert.equal(await page.locator("#view-create").isVisible(), true);
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").last().click();
  await page.getByRole("button", { name: "Reuse these settings" }).click();
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  await make({});
  assert.deepEqual((await offered(page)).bytes, first.bytes, "with both");
});

test("jobs of the queue and an export carry image and mask", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#steps=1&prompt=job&seed=3" });
  await state("ready");
  await open(page);
  await paint(page, [10, 16], [54, 16]);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  await page.getByRole("button", { name: "Add to queue" }).click();
  await page.getByText("Added to the queue").first().waitFor();
  await page.getByRole("button", { name: "Reset" }).click();
  await page.locator('[data-view="queue"]').click();
  const run = async (/** @type {number} */ count) => {
    await page.locator("#queue-run").click();
    await page
      .locator("#jobs li[data-state=done]")
      .nth(count - 1)
      .waitFor();
  };
  await run(1);
  await page.locator('[data-view="create"]').click();
  const first = await offered(page);
  assert.deepEqual(colourAt(first, 20, 40), [10, 20, 200]);
  assert.notDeepEqual(colourAt(first, 30, 16), [10, 20, 200]);

  await page.locator('[data-view="gallery"]').click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export zip" }).click();
  const archive = await readFile(await (await downloading).path());
  const text = archive.toString("latin1");
  assert.match(text, /start-images\/\d+\.png/);
  const [, line = ""] = /(\{"prompt[^\n]*\})\n/.exec(text) ?? [];
  const { init, mask } = JSON.parse(line);
  assert.match(init, /^start-images\/\d+\.png$/);
  assert.match(mask, /^masks\/\d+\.png$/);

  // Into another browser, so to say: nothing of it is there any more.
  await page.evaluate(async () => {
    localStorage.clear();
    const path = "storage/database.js";
    const { transact } = await import(new URL(path, document.baseURI).href);
    for (const store of ["pictures", "files", "jobs", "initials"])
      await transact([store], "readwrite", (/** @type {IDBObjectStore} */ one) => void one.clear());
  });
  await page.reload();
  await state("ready");
  await dropped(page, "darkroom.zip", archive);
  await page.locator("#jobs li").waitFor();
  await run(1);
  await page.locator('[data-view="create"]').click();
  assert.deepEqual((await offered(page)).bytes, first.bytes);
});

test("an archive that lacks a start image of its list is refused, with the line", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const list = '{"prompt":"a"}\n{"prompt":"b","init":"start-images/9.png"}\n';
  const made = new Date();
  const archive = await zip([{ name: "requests.jsonl", blob: new Blob([list]), made }]);
  await dropped(page, "darkroom.zip", Buffer.from(await archive.arrayBuffer()));
  const said = "line 2: the archive has no file start-images/9.png";
  await page.getByRole("alert").getByText(said).waitFor();
  assert.equal(await page.locator("#jobs li").count(), 0);
});

test("a picture is extended at its sides, and what is new is masked", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=1&seed=3" });
  await state("ready");
  await dropped(page, "photo.png", PHOTO);
  await page.getByText("Extend picture").click();
  const extend = page.getByRole("button", { name: "Extend", exact: true });
  const told = page.locator("#extend-told");
  await extend.click();
  await told.filter({ hasText: "Type how many pixels" }).waitFor();
  await page.getByLabel("Left").fill("x");
  await extend.click();
  await told.filter({ hasText: "a whole number" }).waitFor();
  await page.getByLabel("Left").fill("16");
  await page.getByLabel("Bottom").fill("32");
  // The start image is removed while it is extended: the result is not used.
  await page.evaluate(() => {
    for (const id of ["extend-act", "initial-remove"]) document.getElementById(id)?.click();
  });
  await page.waitForFunction(() =>
    document.getElementById("extend-told")?.textContent?.includes("was not used"),
  );
  assert.equal(await page.locator("#initial-box").isVisible(), false);
  await page.getByRole("button", { name: "Previous start image (1)" }).click();
  await extend.waitFor();
  assert.equal(await told.textContent(), "", "it was about another start image");
  await extend.press("Enter");
  await told.filter({ hasText: "80 × 96 pixels" }).waitFor();
  assert.ok(await extend.evaluate((one) => one === document.activeElement), "keeps the focus");
  assert.equal(await page.locator("#width").inputValue(), "80");
  assert.equal(await page.locator("#height").inputValue(), "96");
  const { width, height, bytes } = await make({ prompt: "around" });
  assert.deepEqual([width, height], [80, 96]);
  const at = (/** @type {number} */ x, /** @type {number} */ y) => [
    ...bytes.subarray((y * width + x) * 4, (y * width + x) * 4 + 3),
  ];
  assert.deepEqual(at(16, 0), [10, 20, 200]);
  assert.deepEqual(at(79, 63), [10, 20, 100]);
  assert.notDeepEqual(at(4, 4), [128, 128, 128], "the new part is made");
  await page.getByRole("button", { name: "Previous start image (1)" }).click();
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
});

test("a model that fills in or edits says what it needs", async (t) => {
  const fills = await visit(t, { server, hash: "#steps=1&model=models/inpaint" });
  await fills.state("ready");
  const hint = (/** @type {string} */ text, page = fills.page) =>
    page.locator("#purpose-hint").filter({ hasText: text }).waitFor();
  await hint("choose a start image, and paint a mask");
  await dropped(fills.page, "photo.png", PHOTO);
  await hint("the start image: paint a mask");

  const edits = await visit(t, { server, hash: "#steps=1&model=models/edit" });
  await edits.state("ready");
  await hint("choose a start image", edits.page);
  await dropped(edits.page, "photo.png", PHOTO);
  await hint("changes the start image as the prompt says", edits.page);
  for (const id of ["strength", "initial-edit", "extend"])
    assert.equal(await edits.page.locator(`#${id}`).isVisible(), false, id);
  await edits.make({ prompt: "make it snow" });
  const { texts } = await offered(edits.page);
  assert.equal(JSON.parse(texts.get("darkroom") ?? "null").strength, undefined);

  // To edit a result is to say what changes; there is nothing to paint.
  await edits.page.locator("#edit").click();
  await edits.page.waitForFunction(() => document.activeElement?.id === "prompt");
  assert.equal(await edits.page.locator("#editor").isVisible(), false);
});

const REAL = "#steps=2&width=64&height=64&seed=5&prompt=a+blue+star+on+white";
/** No two pixels alike, so that each is seen to stay. */
const NOISE = pngOf(SIDE, SIDE, (x, y) => [x * 4, y * 4, (x * 37 + y * 59) % 256, 255]);

test("the real engine keeps every pixel outside the mask", async (t) => {
  const how = { hash: REAL, device: /** @type {const} */ ("cpu"), patience: PICTURE_MS };
  const { page, state, make } = await visit(t, how);
  await state("ready");
  await open(page, NOISE);
  await page.locator("#editor-size").fill("20");
  await paint(page, [20, 24], [44, 40]);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save mask" }).click();
  const mask = decodePng(await readFile(await (await downloading).path()));
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByLabel("Mask blur").fill("0");
  await page.getByLabel("Masked content").selectOption("noise");
  await page.getByRole("slider", { name: "Strength" }).fill("1");
  await make({});
  const [made, start] = [await offered(page), decodePng(NOISE)];
  let [outside, inside, other] = [0, 0, 0];
  for (let i = 0; i < SIDE * SIDE; i++) {
    const same = [0, 1, 2].every((c) => made.bytes[i * 4 + c] === start.bytes[i * 4 + c]);
    if (mask.bytes[i * 4] === 0) {
      outside += 1;
      if (!same) other += 1;
    } else if (!same) inside += 1;
  }
  t.diagnostic(`${outside} pixels outside, ${other} of them others; ${inside} others inside`);
  assert.ok(outside > 2500);
  assert.equal(other, 0, "outside the mask each has the colour that it had");
  assert.ok(inside > 400, "inside it is made anew");
  await page.getByRole("slider", { name: "Before and after" }).waitFor();
  assert.equal(await page.locator("#before").isVisible(), true);
  assert.match(made.texts.get("parameters") ?? "", /Denoising strength: 1/);
});

test("the real engine extends a picture, and keeps it in the middle", async (t) => {
  const how = { hash: REAL, device: /** @type {const} */ ("cpu"), patience: PICTURE_MS };
  const { page, state, make } = await visit(t, how);
  await state("ready");
  await dropped(page, "photo.png", NOISE);
  await page.getByText("Extend picture").click();
  await page.getByLabel("Left").fill("16");
  await page.getByLabel("Top").fill("8");
  await page.getByRole("button", { name: "Extend", exact: true }).click();
  await page.locator("#extend-told").filter({ hasText: "80 × 72 pixels" }).waitFor();
  await page.getByLabel("Mask blur").fill("0");
  const { width, height, bytes } = await make({});
  assert.deepEqual([width, height], [80, 72]);
  const start = decodePng(NOISE).bytes;
  // Some pixels beside the new ones are made anew as well, so that no seam is seen.
  const overlap = 8;
  for (let i = 0; i < SIDE * SIDE * 4; i++) {
    const [x, y] = [(i >> 2) % SIDE, Math.floor((i >> 2) / SIDE)];
    if (x < overlap || y < overlap) continue;
    const at = ((y + 8) * width + x + 16) * 4 + (i % 4);
    if (bytes[at] !== start[i]) assert.fail(`the pixel ${x}, ${y} is another`);
  }
});
