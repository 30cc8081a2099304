// The form: filled in by files of other programs, and worked by keys alone.

import assert from "node:assert/strict";
import { dropped, pngWith } from "../harness/files.mjs";
import { CAT, RECORDS } from "../harness/records.mjs";
import { DOUBLE, assertPicture } from "../harness/site.mjs";

/** @typedef {import("./open.mjs").Open} Open */
/** @typedef {import("./open.mjs").Test} Test */

/**
 * Images of other programs fill in the form.
 * @param {Test} t
 * @param {Open} open
 */
export async function importRecords(t, open) {
  const { page, state } = await open(t, { server: { roots: DOUBLE }, hash: "#steps=9&guidance=3" });
  await state("ready");
  const wanted = { ...CAT, guidance_scale: "6.5", sampler: "dpmpp_2m", sigmas: "karras" };
  const values = () =>
    page.evaluate(
      (ids) =>
        ids.map((id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value).join(),
      Object.keys(wanted),
    );
  for (const [program, texts] of RECORDS) {
    await page.getByRole("button", { name: "Reset" }).click();
    await dropped(page, "picture.png", pngWith(texts));
    // The sentence may be that of the picture before, the prompt is not.
    await page.waitForFunction(
      (text) => /** @type {any} */ (document.getElementById("prompt")).value === text,
      CAT.prompt,
    );
    await page.locator("#progress-text").filter({ hasText: program }).waitFor();
    assert.equal(await values(), Object.values(wanted).join(), program);
  }
}

/** Where the focus is, in the page. */
const focused = () => {
  const { activeElement: one } = document;
  return one?.id || one?.getAttribute("name") || one?.textContent?.trim() || "";
};

/**
 * Typed, generated, undone and left by keys alone.
 * @param {Test} t
 * @param {Open} open
 */
export async function workByKeys(t, open) {
  const { page, state, pixels } = await open(t, { server: { roots: DOUBLE }, hash: "#steps=2" });
  await state("ready");
  const prompt = page.locator("#prompt");
  await prompt.evaluate((field) => /** @type {HTMLElement} */ (field).focus());
  await page.keyboard.press("Control+a");
  for (const letter of "red cat") await page.keyboard.press(letter);
  assert.equal(await prompt.inputValue(), "red cat");
  await page.keyboard.press("Control+Enter");
  await page
    .locator("#progress-text")
    .filter({ hasText: /is ready after/ })
    .waitFor();
  assertPicture(await pixels());
  // Every button of the form is reached, and none holds the focus.
  /** @type {string[]} */
  const seen = [];
  for (let presses = 0; presses < 80 && !seen.includes("generate"); presses++) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(focused));
  }
  assert.equal(seen.at(-1), "generate", seen.join(" → "));
  await page.keyboard.press("Shift+Tab");
  assert.equal(await page.evaluate(focused), seen.at(-2) ?? "prompt", "back");
}
