// The engine in other people's pages: the client by hand, and the element. A double stands in the
// engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE, prefix: "/some/where" };

test("the example of the client draws, and can be stopped", async (t) => {
  const { page, site, state } = await visit(t, { server });
  await state("ready");
  await page.goto(`${site.url}examples/client.html`);
  await page.getByRole("img", { name: "a green leaf on black" }).waitFor();
  // The button is pressed at the first step, which a look from outside could miss.
  await page.addInitScript(() =>
    addEventListener("DOMContentLoaded", () => {
      const find = (/** @type {string} */ id) =>
        /** @type {HTMLElement} */ (document.getElementById(id));
      new MutationObserver(() => {
        if (/^Step [1-9]/.test(find("text").textContent ?? "")) find("stop").click();
      }).observe(find("text"), { childList: true, characterData: true, subtree: true });
    }),
  );
  await page.reload();
  await page.getByRole("status").filter({ hasText: "Cancelled" }).waitFor();
});

test("the example of the element shows its pictures, one engine for all", async (t) => {
  const { page, site, state } = await visit(t, { server });
  await state("ready");
  await page.goto(`${site.url}examples/element.html`);
  await page.getByRole("img", { name: "a penguin on a blue background" }).waitFor();
  await page.getByRole("img", { name: "a blue moon on white" }).waitFor();
  assert.equal(page.workers().length, 1);
  const size = await page.evaluate(async () => {
    const element = /** @type {any} */ (document.querySelector("darkroom-image"));
    const loaded = new Promise((resolve) => element.addEventListener("load", resolve));
    element.setAttribute("prompt", "a green key");
    await loaded;
    return element.png.size;
  });
  assert.ok(size > 1000);
  await page.getByRole("img", { name: "a green key" }).waitFor();
});

test("the element tells what is wrong with its attributes", async (t) => {
  const { page, site, state } = await visit(t, { server });
  await state("ready");
  await page.goto(`${site.url}examples/element.html`);
  await page.getByRole("img", { name: "a penguin on a blue background" }).waitFor();
  await page
    .locator("darkroom-image")
    .first()
    .evaluate((element) => element.setAttribute("steps", "0"));
  await page
    .getByRole("alert")
    .filter({ hasText: /steps must be/ })
    .waitFor();
});

test("the loop over events ends with the picture; leaving it stops the run", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const heard = await page.evaluate(async () => {
    const address = new URL("engine/client.js", document.baseURI).href;
    const { Engine } = await import(address);
    const engine = new Engine();
    await engine.open("models/demo/");
    const names = [];
    for await (const { event } of engine.events({ prompt: "a", seed: "1", steps: 2 }))
      names.push(event);
    for await (const { event, step } of engine.events({ prompt: "a", seed: "1", steps: 1000 }))
      if (event === "step" && step === 2) break;
    // It would wait for a thousand steps if the run had not been stopped.
    const { png } = await engine.generate({ prompt: "b", seed: "1", steps: 1 });
    engine.dispose();
    return { names, bytes: png.length };
  });
  assert.equal(heard.names.at(-1), "picture");
  assert.deepEqual(
    heard.names.filter((name) => name === "step"),
    ["step", "step", "step"],
  );
  assert.ok(heard.bytes > 1000);
});
