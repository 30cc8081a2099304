// The watch over every page, in WebKit: what a page must not do is seen, also in its workers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE } from "../harness/site.mjs";
import { open } from "./open.mjs";

/** Faults by what makes them, in the page, and how they are told. */
const FAULTS = /** @type {const} */ ([
  ["console.error('one')", /^one$/],
  ["console.warn('two')", /^two$/],
  ["setTimeout(() => { throw new Error('three'); })", /three/],
  ["Promise.reject(new Error('four'))", /four/],
  ["new Image().src = 'https://example.org/five.png'", /Content Security Policy|example\.org/],
  ["void fetch('missing-six')", /404/],
  // In the engine's worker.
  [
    "document.getElementById('prompt').value = 'write an error'; " +
      "document.getElementById('generate').click()",
    /^seven$/,
  ],
]);

test("console errors, exceptions and broken rules fail a test", async (t) => {
  for (const [code, told] of FAULTS) {
    /** @type {(() => unknown)[]} */
    const after = [];
    const inner = /** @type {any} */ ({ after: (/** @type {any} */ job) => after.push(job) });
    const { page, state } = await open(inner, { server: { roots: DOUBLE } });
    await state("ready");
    await page.evaluate(code);
    await new Promise((done) => setTimeout(done, 500));
    /** @type {unknown[]} */
    const failures = [];
    for (const job of after.reverse()) {
      await Promise.resolve()
        .then(job)
        .catch((error) => failures.push(error));
    }
    const texts = failures.flatMap((error) => /** @type {any} */ (error).actual ?? [String(error)]);
    t.diagnostic(`${code} is told as ${JSON.stringify(texts)}`);
    assert.ok(
      texts.some((text) => told.test(text)),
      code,
    );
  }
});

test("what WebKit tells a screen reader of the form", async (t) => {
  const { page, state } = await open(t, { server: { roots: DOUBLE } });
  await state("ready");
  const told = async (/** @type {string} */ css) => /** @type {any} */ (page.locator(css)).told();
  assert.deepEqual(await told("#generate"), { role: "button", name: "Generate" });
  assert.deepEqual(await told("#prompt"), { role: "textbox", name: "Prompt" });
});
