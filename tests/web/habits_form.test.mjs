// What people are used to in the form: presets, the prompts of before, weights by keys. A double
// stands in the engine's place.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";
import { longOffers } from "./harness/undo.mjs";

const server = { roots: DOUBLE };

/** @param {import("playwright-core").Page} page @param {string} id */
const value = (page, id) => page.locator(`#${id}`).inputValue();

/** @param {import("playwright-core").Page} page */
const presetNames = (page) =>
  page.locator("#presets-list li .actions button:first-child").allTextContents();

test("presets are saved, applied, renamed, deleted, exported and imported", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: "#steps=20", before: longOffers });
  await state("ready");
  await type({ prompt: "mine", steps: "33", guidance_scale: "5", sampler: "ddim" });
  const open = () => page.getByRole("button", { name: "Saved settings…" }).press("Enter");
  const dialog = page.locator("#presets-dialog");
  const told = page.locator("#presets-told");
  await open();
  await dialog.waitFor();
  // The name has the focus as long as there is no preset; what differs is chosen.
  await page.keyboard.type("draft");
  await dialog.getByText(/^Which settings \(2 of \d+\)$/).waitFor();
  await page.keyboard.press("Enter");
  await told.filter({ hasText: "“draft” is saved." }).waitFor();
  assert.deepEqual(await presetNames(page), ["draft"]);
  assert.deepEqual(await seriousFaults(page), []);

  await t.test("applied, it changes its own fields, and Undo takes that back", async () => {
    await page.keyboard.press("Escape");
    await type({ prompt: "other", steps: "9", width: "128" });
    await open();
    await dialog.waitFor();
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    assert.equal(await value(page, "steps"), "33");
    assert.equal(await value(page, "guidance_scale"), "5");
    assert.equal(await value(page, "width"), "128");
    assert.equal(await value(page, "prompt"), "other");
    await page.locator("#undo-text").filter({ hasText: "“draft” is applied." }).waitFor();
    await type({ prompt: "typed since", guidance_scale: "6" });
    await page.locator("#undo-act").click();
    assert.equal(await value(page, "steps"), "9");
    // What was typed since stays.
    assert.equal(await value(page, "prompt"), "typed since");
    assert.equal(await value(page, "guidance_scale"), "6");
    await type({ prompt: "other" });
  });
  await t.test("with the prompt, and chosen fields alone", async () => {
    await open();
    await dialog.getByLabel("Name", { exact: true }).fill("words");
    await dialog.getByLabel("Prompt and negative prompt too").check();
    await dialog.getByText(/^Which settings/).click();
    await dialog.getByRole("button", { name: "None" }).click();
    await dialog.locator('.preset-fields [value="seed"]').check();
    await dialog.getByRole("button", { name: "Save", exact: true }).click();
    assert.deepEqual(await presetNames(page), ["draft", "words"]);
    await page.keyboard.press("Escape");
    await type({ prompt: "third", seed: "5", steps: "11" });
    await open();
    await dialog.getByRole("button", { name: "Apply words" }).click();
    assert.equal(await value(page, "prompt"), "other");
    assert.equal(await value(page, "seed"), "");
    assert.equal(await value(page, "steps"), "11");
  });
});

/** Stores four presets before the page's own scripts run. */
function storePresets() {
  const names = ["quick", "quick (2)", "words", "words (2)"];
  const presets = names.map((name, i) => ({ name, fields: { steps: `${33 + i}` } }));
  localStorage.getItem("darkroom.presets") ??
    localStorage.setItem("darkroom.presets", JSON.stringify(presets));
}

test("presets are renamed, deleted, exported and imported by keys", async (t) => {
  const before = () => {
    const presets = ["draft", "words"].map((name, i) => ({ name, fields: { steps: `${33 + i}` } }));
    localStorage.getItem("darkroom.presets") ??
      localStorage.setItem("darkroom.presets", JSON.stringify(presets));
  };
  const { page, state } = await visit(t, { server, hash: "#steps=20", before });
  await state("ready");
  const open = () => page.getByRole("button", { name: "Saved settings…" }).press("Enter");
  const dialog = page.locator("#presets-dialog");
  const told = page.locator("#presets-told");
  await t.test("renamed by keys, not to a name that is taken", async () => {
    await open();
    await dialog.getByRole("button", { name: "Rename: draft" }).press("Enter");
    const field = dialog.getByLabel("New name of draft");
    await field.fill("words");
    await field.press("Enter");
    await told.filter({ hasText: "There is a preset “words” already." }).waitFor();
    await field.fill("quick");
    await field.press("Enter");
    assert.deepEqual(await presetNames(page), ["quick", "words"]);
  });
  await t.test("deleted, and back by Undo, above the dialog", async () => {
    await dialog.getByRole("button", { name: "Delete: quick" }).press("Enter");
    assert.deepEqual(await presetNames(page), ["words"]);
    await dialog.getByRole("button", { name: "Undo" }).click();
    assert.deepEqual(await presetNames(page), ["quick", "words"]);
  });
  await t.test("exported and imported; what is unknown or wrong is told", async () => {
    const downloading = page.waitForEvent("download");
    await dialog.getByRole("button", { name: "Export all" }).click();
    const file = await readFile(await (await downloading).path());
    const { presets } = JSON.parse(file.toString());
    assert.equal(presets[0].fields.steps, "33");
    presets[0].fields.colour = "red";
    const load = (/** @type {string} */ text) =>
      page.locator("#presets-import").setInputFiles({
        ...{ name: "some.json", mimeType: "application/json", buffer: Buffer.from(text) },
      });
    await load(JSON.stringify({ presets }));
    await told
      .filter({ hasText: /^2 presets are imported\. .*no such field: colour\.$/ })
      .waitFor();
    assert.deepEqual(await presetNames(page), ["quick", "quick (2)", "words", "words (2)"]);
    await load("{");
    await told.filter({ hasText: "some.json cannot be read: it is no JSON" }).waitFor();
    await load('{"styles": []}');
    await told.filter({ hasText: "it has no list of presets" }).waitFor();
  });
});

test("presets of another tab stay, and what is not stored is told", async (t) => {
  const names = ["quick", "quick (2)", "words", "words (2)"];
  const { page, state } = await visit(t, { server, hash: "#steps=20", before: storePresets });
  await state("ready");
  const open = () => page.getByRole("button", { name: "Saved settings…" }).press("Enter");
  const dialog = page.locator("#presets-dialog");
  const told = page.locator("#presets-told");
  await open();
  await dialog.waitFor();
  assert.deepEqual(await presetNames(page), names);
  await t.test("what another tab has saved meanwhile stays, also by an Undo", async () => {
    await page.evaluate(() => {
      const all = JSON.parse(localStorage.getItem("darkroom.presets") ?? "[]");
      const more = [...all, { name: "portrait", fields: { steps: "7" } }];
      localStorage.setItem("darkroom.presets", JSON.stringify(more));
    });
    await dialog.getByRole("button", { name: "Delete: words (2)" }).press("Enter");
    await page.keyboard.press("Escape");
    await page.evaluate(() => {
      const all = JSON.parse(localStorage.getItem("darkroom.presets") ?? "[]");
      const more = [...all, { name: "late", fields: { steps: "7" } }];
      localStorage.setItem("darkroom.presets", JSON.stringify(more));
    });
    await page.locator("#undo-act").click();
  });
  await t.test("they are there after a reload", async () => {
    await page.reload();
    await state("ready");
    await open();
    await dialog.waitFor();
    const names = ["late", "portrait", "quick", "quick (2)", "words", "words (2)"];
    assert.deepEqual(await presetNames(page), names);
  });
  await t.test("what is not stored is told, and the list stays as it was", async () => {
    await page.evaluate(() => {
      Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    });
    await dialog.getByLabel("Name", { exact: true }).fill("lost");
    await dialog.getByRole("button", { name: "Save", exact: true }).click();
    await told.filter({ hasText: "Not saved: the browser does not store it." }).waitFor();
    assert.equal((await presetNames(page)).length, 6);
  });
});

test("prompts are remembered, found and filled in by keys, forgotten, switched off", async (t) => {
  const { page, state, type, make } = await visit(t, {
    server,
    hash: "#steps=1",
    before: longOffers,
  });
  await state("ready");
  await make({ prompt: "a red cat", negative_prompt: "blur" });
  await make({ prompt: "a blue dog", negative_prompt: "" });
  await make({ prompt: "a red cat", negative_prompt: "blur" });
  const dialog = page.locator("#history-dialog");
  const items = dialog.locator("li button:first-child");
  await page.locator("#prompt").focus();
  await page.keyboard.press("Alt+ArrowDown");
  await dialog.waitFor();
  // Each once, the latest first.
  assert.deepEqual(await items.allTextContents(), ["a red catnegative: blur", "a blue dog"]);
  assert.deepEqual(await seriousFaults(page), []);
  await page.keyboard.type("dog");
  await dialog.getByText("1 prompt", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await value(page, "prompt"), "a blue dog");
  // The field's own undo takes it back.
  await page.locator("#prompt").press("Control+z");
  assert.equal(await value(page, "prompt"), "a red cat");

  await type({ prompt: "", negative_prompt: "" });
  await page.getByRole("button", { name: "History" }).click();
  await dialog.getByLabel("Fill in the negative prompt as well").check();
  await page.locator("#history-search").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.equal(await value(page, "prompt"), "a red cat");
  assert.equal(await value(page, "negative_prompt"), "blur");

  await t.test("one is forgotten, then all, and Undo brings them back", async () => {
    await page.getByRole("button", { name: "History" }).click();
    await dialog.waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Delete");
    assert.equal(await items.count(), 1);
    await dialog.getByRole("button", { name: "Clear the history" }).click();
    assert.equal(await items.count(), 0);
    await dialog.getByRole("button", { name: "Undo" }).click();
    await dialog.getByRole("button", { name: "Undo" }).click();
    assert.equal(await items.count(), 2);
  });
  await t.test("what never made an image is not remembered, what the queue made is", async () => {
    await page.keyboard.press("Escape");
    await type({ prompt: "never made", steps: "0" });
    await page.locator("#generate").press("Enter");
    await page.locator("#fault").waitFor();
    await type({ prompt: "by the queue", steps: "1" });
    await page.getByRole("button", { name: "Add to queue" }).click();
    await page.locator('[data-view="queue"]').click();
    await page.locator("#queue-run").click();
    await page.locator("#queue-status").filter({ hasText: "1 done" }).waitFor();
    await page.locator('[data-view="create"]').click();
    await page.getByRole("button", { name: "History" }).click();
    await dialog.waitFor();
    const names = await items.allTextContents();
    assert.match(names[0] ?? "", /^by the queue/);
    assert.equal(names.length, 3);
  });
});

test("the history is switched off, and cleared with everything", async (t) => {
  const { page, state, type, make } = await visit(t, {
    server,
    hash: "#steps=1",
    before: longOffers,
  });
  await state("ready");
  const dialog = page.locator("#history-dialog");
  const items = dialog.locator("li button:first-child");
  await make({ prompt: "a red cat" });
  await make({ prompt: "a blue dog" });
  await make({ prompt: "a green house" });
  await type({ prompt: "" });
  await page.getByRole("button", { name: "History" }).click();
  await dialog.waitFor();
  await t.test("switched off, none is added, and the page says that the rest stays", async () => {
    await dialog.getByLabel("Remember prompts").uncheck();
    await dialog.getByText("3 prompts stay here until you press “Clear the history”.").waitFor();
    await page.keyboard.press("Escape");
    await make({ prompt: "a secret" });
    await page.getByRole("button", { name: "History" }).click();
    assert.equal(await items.filter({ hasText: "a secret" }).count(), 0);
    await dialog.getByLabel("Remember prompts").check();
    await page.keyboard.press("Escape");
  });
  await t.test("Privacy leads to it, and deleting everything clears it", async () => {
    await page.locator('[data-view="privacy"]').click();
    await page.getByRole("button", { name: "Prompt history" }).click();
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    page.once("dialog", (question) => {
      assert.match(question.message(), /presets and remembered prompts/);
      void question.accept();
    });
    await page.locator("#forget").click();
    await page.locator("#note-text").filter({ hasText: "Deleted: " }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem("darkroom.prompts")), null);
  });
});

test("Ctrl and the arrows change weights, and the page says where none is read", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: "#steps=1" });
  await state("ready");
  const prompt = page.locator("#prompt");
  await type({ prompt: "a red cat" });
  await prompt.evaluate((field) =>
    /** @type {HTMLTextAreaElement} */ (field).setSelectionRange(3, 3),
  );
  await prompt.press("Control+ArrowUp");
  await page.waitForFunction(
    () => /** @type {any} */ (document.getElementById("prompt")).value === "a (red:1.1) cat",
  );
  await prompt.press("Control+ArrowUp");
  assert.equal(await prompt.inputValue(), "a (red:1.2) cat");
  const hint = page.locator("#weights-hint");
  await hint.filter({ hasText: "read only with" }).waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  // The field's own undo, step by step.
  await prompt.press("Control+z");
  assert.equal(await prompt.inputValue(), "a (red:1.1) cat");
  await prompt.press("Control+ArrowDown");
  assert.equal(await prompt.inputValue(), "a red cat");
  await hint.waitFor({ state: "hidden" });

  await page.locator("#negative_prompt").fill("blur");
  await page.locator("#negative_prompt").press("Meta+ArrowDown");
  assert.equal(await page.locator("#negative_prompt").inputValue(), "(blur:0.9)");
  await hint.getByRole("button").click();
  await hint.waitFor({ state: "hidden" });
  const request = await page.evaluate(() => location.hash);
  await page.waitForFunction(() => /prompt_(syntax=a1111|weights=true)/.test(location.hash));
  assert.ok(request);
  // Ctrl+Enter makes the image.
  await page.locator("#negative_prompt").press("Control+Enter");
  await state("generating");
  await state("ready");
});
