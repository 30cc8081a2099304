// The watch over every page of these tests: what a page must not do is seen, also in its workers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/** Faults by what makes them, in the page, and how they are told. */
const FAULTS = /** @type {const} */ ([
  ["console.error('one')", /^one$/],
  ["console.warn('two')", /^two$/],
  ["setTimeout(() => { throw new Error('three'); })", /three/],
  ["Promise.reject(new Error('four'))", /four/],
  ["new Image().src = 'https://example.org/five.png'", /Content Security Policy|example\.org/],
  [
    "document.body.setAttribute('style', 'color: red'), document.body.setAttribute('onclick', '1')",
    /Content Security Policy/,
  ],
  ["void fetch('missing-six')", /404/],
  // In the engine's worker.
  [
    "document.getElementById('prompt').value = 'write an error', " +
      "document.getElementById('generate').click()",
    /^seven$/,
  ],
]);

test("console errors, exceptions, broken rules and requests elsewhere fail a test", async (t) => {
  for (const [code, told] of FAULTS) {
    /** @type {(() => unknown)[]} */
    const after = [];
    const later = (/** @type {() => unknown} */ job) => after.push(job);
    const inner = /** @type {any} */ ({ after: later });
    const { page, state } = await visit(inner, { server });
    await state("ready");
    // As the browser's own tools do it: the page's rules allow no other script.
    const session = await page.context().newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: `${code}; 0` });
    await page.waitForTimeout(1000);
    /** @type {unknown[]} */
    const failures = [];
    for (const job of after.reverse()) {
      await Promise.resolve()
        .then(job)
        .catch((error) => failures.push(error));
    }
    const texts = failures.flatMap((error) => /** @type {any} */ (error).actual ?? [String(error)]);
    assert.ok(
      texts.some((text) => told.test(text)),
      `${code}: ${JSON.stringify(texts)}`,
    );
    t.diagnostic(`${code} is told as ${JSON.stringify(texts)}`);
  }
});

test("a state that has passed is not missed, and one of before is not the next", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.evaluate(() => {
    const { dataset } = document.documentElement;
    for (const state of ["error", "loading", "ready"]) dataset["state"] = state;
  });
  await state("error");
  // The page has been in error, is ready, and was loading meanwhile.
  await state("loading");
  await state("ready");
  let reached = false;
  const waiting = state("generating").then(() => (reached = true));
  await page.waitForTimeout(300);
  assert.equal(reached, false, "a state that has not come");
  await page.evaluate(() => (document.documentElement.dataset["state"] = "generating"));
  await waiting;
});
