// The start image and its mask while something else goes on: a mask that is still on its way to the
// storage, another image, another model. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { masked, open, paint } from "./harness/editor.mjs";
import { pngOf } from "./harness/files.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

test("a mask that is on its way stays with its image", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page);
  await paint(page, [10, 16], [54, 16]);
  const press = (/** @type {string[]} */ ...ids) =>
    page.evaluate((ids) => {
      for (const id of ids) document.getElementById(id)?.click();
    }, ids);
  // Discarded before it was stored: it does not come back.
  await press("editor-done", "mask-discard");
  await page.getByRole("button", { name: "Previous start image (1)" }).waitFor();
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
  // Back brings the one with the mask.
  await page.getByRole("button", { name: "Previous start image (1)" }).click();
  await page.getByRole("button", { name: "Edit mask" }).click();
  await page.locator("#editor-status").filter({ hasText: "of the picture" }).waitFor();
  const once = await masked(page);
  await paint(page, [10, 48], [54, 48]);
  const twice = await masked(page);
  assert.ok(twice > 1.5 * once);
  // Removed before it was stored: the image comes back with it.
  await press("editor-done", "initial-remove");
  await page.locator("#initial-box").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: /Previous start image/ }).click();
  await page.getByRole("button", { name: "Edit mask" }).click();
  await page.locator("#editor-status").filter({ hasText: "of the picture" }).waitFor();
  assert.equal(await masked(page), twice);
  await page.getByRole("button", { name: "Done" }).click();

  // Another image is on its way when the painter is asked for: it is the one that is painted on.
  const small = pngOf(32, 32, () => [9, 9, 9, 255]).toString("base64");
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], "small.png", { type: "image/png" }));
    const how = { bubbles: true, cancelable: true, dataTransfer };
    document.getElementById("initial")?.dispatchEvent(new DragEvent("drop", how));
    for (let i = 0; i < 2; i++) document.getElementById("initial-edit")?.click();
  }, small);
  await page.locator("#editor[open]").waitFor();
  await page.locator("#editor-status").filter({ hasText: "of 32 × 32" }).waitFor();
  assert.equal(await masked(page, [0, 0, 32, 32]), 0);
});

test("a mask outlasts a model that makes no use of it", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page);
  await paint(page, [10, 16], [54, 16]);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  await page.getByRole("slider", { name: "Strength" }).fill("0.4");
  await page.evaluate(() => void (location.hash = "#model=models/edit"));
  const hint = page.locator("#purpose-hint");
  await hint.filter({ hasText: "changes the start image as the prompt says" }).waitFor();
  await page.locator("#prompt").fill("make it snow");
  await page.waitForFunction(() => Object.values(localStorage).some((one) => /snow/.test(one)));
  await page.reload();
  await state("ready");
  assert.equal(await page.locator("#prompt").inputValue(), "make it snow");
  await hint.filter({ hasText: "changes the start image as the prompt says" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Edit mask" }).isVisible(), false);
  await page.evaluate(() => void (location.hash = "#model=models/sd14"));
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  assert.equal(await page.getByRole("slider", { name: "Strength" }).inputValue(), "0.4");
});
