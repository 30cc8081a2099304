// How the dialog "Many images" is left: Escape, the browser's Back, a reload, and what becomes of a
// list that is being edited. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";
import { storedIn } from "./harness/stored.mjs";

const server = { roots: DOUBLE };

/**
 * The page with the dialog, opened from the view Create, to which the user came from Queue.
 * @param {import("node:test").TestContext} t
 */
async function begin(t) {
  const all = await visit(t, { server, hash: "#steps=1" });
  await all.state("ready");
  const { page } = all;
  const dialog = page.getByRole("dialog", { name: "Many images" });
  const open = async () => {
    await page.locator("#many").press("Enter");
    await dialog.waitFor();
    await page.waitForFunction(() => history.state.open === "many");
  };
  await page.locator('[data-view="queue"]').click();
  await page.locator('[data-view="create"]').click();
  await open();
  const gone = () => dialog.waitFor({ state: "hidden" });
  const newList = () => dialog.getByRole("button", { name: "New list" }).press("Enter");
  const name = dialog.getByLabel("Name", { exact: true });
  return { ...all, dialog, open, gone, newList, name };
}

test("Back closes the dialog alone, Forward and a reload open it again", async (t) => {
  const { page, state, dialog, open, gone } = await begin(t);
  await page.goBack();
  await gone();
  assert.equal(await page.locator("#view-create").isVisible(), true);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "many");
  await page.goForward();
  await dialog.waitFor();
  await page.reload();
  await state("ready");
  await dialog.waitFor();

  // Closed in the page it leaves no step behind.
  await page.keyboard.press("Escape");
  await gone();
  await page.waitForFunction(() => !history.state.open);
  await open();
  await dialog.getByRole("button", { name: "Close" }).press("Enter");
  await gone();
  await page.waitForFunction(() => !history.state.open);
  await page.goBack();
  await page.locator("#view-queue").waitFor();
});

test("Escape leaves the editor of a list first, and asks about what is not saved", async (t) => {
  const { page, dialog, gone, newList, name } = await begin(t);
  /** @type {string[]} */
  const asked = [];
  let accept = false;
  page.on("dialog", (question) => {
    asked.push(question.message());
    void (accept ? question.accept() : question.dismiss());
  });
  await newList();
  await page.keyboard.press("Escape");
  await name.waitFor({ state: "hidden" });
  assert.equal(await dialog.isVisible(), true);
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "New list");
  assert.deepEqual(asked, []);

  await newList();
  await page.keyboard.type("hues");
  // A browser closes a dialog at a second Escape, whatever the page does at the first.
  for (let i = 0; i < 3; i++) await page.keyboard.press("Escape");
  assert.equal(await name.inputValue(), "hues");
  assert.equal(await name.isVisible(), true);
  assert.deepEqual(
    asked,
    Array(3).fill("The list “hues” has changes that are not saved. Discard them?"),
  );
  accept = true;
  await page.keyboard.press("Escape");
  await name.waitFor({ state: "hidden" });
  assert.equal(await dialog.isVisible(), true);
  await page.keyboard.press("Escape");
  await gone();
  assert.deepEqual(await storedIn(page, "lists", "darkroom-batch"), []);
});

test("opened again before it is told that it was closed, the dialog stays open", async (t) => {
  const { page, dialog } = await begin(t);
  await dialog.evaluate((/** @type {HTMLDialogElement} */ element) => {
    element.close();
    element.showModal();
  });
  // The browser would go back, and close it, within that time.
  await page.waitForTimeout(1000);
  assert.equal(await dialog.isVisible(), true);
  assert.equal(await page.evaluate(() => history.state.open), "many");
});

test("what is typed into a list stays when the dialog is left by Back", async (t) => {
  const { page, dialog, open, gone, newList, name } = await begin(t);
  await newList();
  await page.keyboard.type("hues");
  await dialog.getByLabel(/One choice per line/).fill("pink");
  await page.goBack();
  await gone();
  await open();
  assert.equal(await name.inputValue(), "hues");
  // In another tab of the dialog Escape does not ask about it.
  await dialog.getByRole("tab", { name: "Seeds" }).click();
  await page.keyboard.press("Escape");
  await gone();
  await open();
  await dialog.getByRole("tab", { name: "Wildcards" }).click();
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText("The list “hues” is saved.").waitFor();
});
