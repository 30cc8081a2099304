// When the browser is asked to keep what is stored, and what it answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { visit } from "./harness/site.mjs";

/** Counts the questions, and answers as a browser that grants them. Runs in the page. */
function countQuestions() {
  let asked = 0;
  const persist = async () => ++asked > 0;
  const persisted = async () => asked > 0;
  for (const [name, value] of Object.entries({ persist, persisted }))
    Object.defineProperty(navigator.storage, name, { value });
  Object.assign(globalThis, { askedToKeep: () => asked });
}

test("the browser is asked to keep images with the first one, and not before", async (t) => {
  const { page, state, make } = await visit(t, {
    hash: "#steps=1&device=cpu",
    device: "cpu",
    before: countQuestions,
  });
  const asked = () => page.evaluate(() => /** @type {any} */ (globalThis).askedToKeep());
  await state("ready");
  await page.getByText("Models in this browser").click();
  const usage = page.getByText("Storage used by this site");
  await usage.filter({ hasText: "which the browser may clear" }).waitFor();
  assert.equal(await asked(), 0, "at the page's load");
  for (const [seed, count] of /** @type {const} */ ([
    ["1", 1],
    ["2", 1],
  ])) {
    await make({ prompt: "a red cat", seed });
    assert.equal(await asked(), count, `after the image of seed ${seed}`);
  }
  const library = page.getByText("Models in this browser");
  for (let clicks = 0; clicks < 2; clicks++) await library.click();
  await usage.filter({ hasText: "kept until you delete it" }).waitFor();
});
