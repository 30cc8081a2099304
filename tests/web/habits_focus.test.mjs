// Where the focus and the browser's Back lead after dialogs, and what captions say of an image. A
// double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/** @param {import("playwright-core").Page} page @param {string} selector */
const focused = (page, selector) =>
  page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

test("Back closes the dialog Enlarge alone; the focus returns to the image", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=1" });
  await page.evaluate(() => caches.open("double-shelf"));
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  await make({ prompt: "second", seed: "2" });
  const dialog = page.getByRole("dialog", { name: "Enlarge" });
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").nth(1).press("Enter");
  await page.locator("#viewer").waitFor();
  await page.locator("#viewer-enlarge").press("Enter");
  await dialog.waitFor();
  await page.waitForFunction(() => history.state.open === "enlarge");
  assert.equal(await page.locator("#viewer").isVisible(), false);
  await page.goBack();
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.locator("#view-gallery").isVisible(), true);
  await focused(page, '#images button[title="first"]');

  // Closed in the page it leaves no step behind.
  await page.locator("#images li button").nth(1).press("Enter");
  await page.locator("#viewer").waitFor();
  await page.locator("#viewer-enlarge").press("Enter");
  await dialog.getByRole("button", { name: "Close" }).click();
  await focused(page, '#images button[title="first"]');
  await page.waitForFunction(() => !history.state.open);

  await page.locator("#images li button").nth(1).press("Enter");
  await page.locator("#viewer").waitFor();
  await page.locator("#viewer-enlarge").press("Enter");
  await dialog.getByRole("button", { name: "Enlarge", exact: true }).press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await page.locator("#caption-facts").filter({ hasText: "enlarged 2 times" }).waitFor();
  await focused(page, "#enlarge");
  await page.waitForFunction(() => !history.state.open);
});

test("Back closes Enlarge in Create as well, and stays there", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=1" });
  await page.evaluate(() => caches.open("double-shelf"));
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  await page.locator('[data-view="gallery"]').click();
  await page.locator('[data-view="create"]').click();
  await page.locator("#enlarge").press("Enter");
  const dialog = page.getByRole("dialog", { name: "Enlarge" });
  await dialog.waitFor();
  await page.waitForFunction(() => history.state.open === "enlarge");
  await page.goBack();
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.locator("#view-create").isVisible(), true);
  await focused(page, "#enlarge");
});

test("after the painter the focus is at the button that opens it again", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=1" });
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  const editor = page.locator("#editor");
  await t.test("for a drawing, whose control is shown anew", async () => {
    await page.locator("#control-title").press("Enter");
    await page.getByRole("button", { name: "Add a ControlNet or T2I-Adapter" }).press("Enter");
    await page.locator("#control-1-draw").press("Enter");
    await editor.waitFor();
    await page.locator("#editor-fill").click();
    await page.locator("#editor-done").click();
    await editor.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Edit drawing…" }).waitFor();
    await focused(page, "#control-1-draw");
  });
  await t.test("for an image of the gallery", async () => {
    await page.locator('[data-view="gallery"]').click();
    await page.locator("#images li button").first().press("Enter");
    await page.locator("#viewer").waitFor();
    await page.locator("#viewer-edit").press("Enter");
    await editor.waitFor();
    await page.keyboard.press("Escape");
    await editor.waitFor({ state: "hidden" });
    await focused(page, "#initial-edit, #strength");
  });
});

test("captions name the second pass", async (t) => {
  const hash = "#steps=1&hires_scale=2&hires_upscaler=lanczos";
  const { page, state, make } = await visit(t, { server, hash });
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  const second = /hires\. fix × 2 \(lanczos/;
  await page.locator("#caption-facts").filter({ hasText: second }).waitFor();
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").first().click();
  await page.locator("#viewer-facts").filter({ hasText: second }).waitFor();
});
