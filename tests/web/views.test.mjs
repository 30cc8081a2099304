// Every room in both themes, judged by axe-core; the network as the privacy room tells it; links,
// styles and the preview. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
  test(`axe-core finds nothing serious, ${colorScheme}`, async (t) => {
    const context = { colorScheme, reducedMotion: /** @type {const} */ ("reduce") };
    const app = await visit(t, { server, hash: "#steps=2", context });
    const { page, state, make } = app;
    await state("ready");
    assert.deepEqual(await seriousFaults(page), [], "at first");
    await make({ prompt: "a red cat", seed: "1" });
    await make({ prompt: "a blue cat", seed: "2", steps: "2" });
    for (const room of ["create", "gallery", "queue", "compare", "speed", "privacy", "about"]) {
      await page.locator(`[data-view="${room}"]`).click();
      await page.evaluate(() =>
        document.querySelectorAll("details").forEach((details) => (details.open = true)),
      );
      assert.deepEqual(await seriousFaults(page), [], room);
    }
    await page.locator('[data-view="compare"]').click();
    await page.locator("#compare-other").fill("models/other");
    await page.locator("#compare-add").click();
    await page.locator("#compare-prompts").fill("a red cat");
    await page.locator("#compare-run").click();
    await page.locator("#compare-status").filter({ hasText: "complete" }).waitFor();
    assert.deepEqual(await seriousFaults(page), [], "compare, with a sheet");
    await page.locator('[data-view="speed"]').click();
    await page.locator("#speed-measure").click();
    await page.locator("#speed-table").waitFor();
    assert.deepEqual(await seriousFaults(page), [], "speed, with figures");
    await page.locator('[data-view="gallery"]').click();
    await page.locator("#images li button").first().click();
    await page.waitForFunction(() => {
      const image = /** @type {HTMLImageElement} */ (document.getElementById("viewer-image"));
      return image.complete && image.naturalWidth > 0;
    });
    assert.deepEqual(await seriousFaults(page), [], "viewer");
    await page.locator("#viewer-close").click();
    for (const check of await page.locator("#images input").all()) await check.check();
    await page.locator("#compare").click();
    assert.deepEqual(await seriousFaults(page), [], "comparison");
    await page.locator("#comparison-close").click();
    await page.locator("#verify").click();
    assert.deepEqual(await seriousFaults(page), [], "verify");
    await page.locator("#verify-close").click();
    await page.locator('[data-view="create"]').click();
    await page.locator("#style-save").click();
    assert.deepEqual(await seriousFaults(page), [], "style");
    await page.keyboard.press("Escape");
    await page.evaluate(() => {
      for (const id of ["update", "full", "undo", "size-warning"])
        document.getElementById(id)?.removeAttribute("hidden");
    });
    assert.deepEqual(await seriousFaults(page), [], "update");
  });
}

test("axe-core finds nothing serious on the models and a licence, in both themes", async (t) => {
  const context = { reducedMotion: /** @type {const} */ ("reduce") };
  const { page, state } = await visit(t, { device: "cpu", context });
  await state("ready");
  const get = page.getByRole("button", { name: "Download (2.13 GB)…" });
  const row = page.locator('.library li[data-model="stable-diffusion-v1-4"]');
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await seriousFaults(page), [], `the offer, ${colorScheme}`);
    await get.click();
    await page.getByRole("button", { name: "I do not accept" }).waitFor();
    assert.deepEqual(await seriousFaults(page), [], `licence, ${colorScheme}`);
    await page.getByRole("button", { name: "I do not accept" }).click();
    await row.getByRole("button").first().waitFor();
    assert.deepEqual(await seriousFaults(page), [], `models, ${colorScheme}`);
  }
});

test("the privacy room counts requests, and there are none while generating", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=20" });
  await state("ready");
  // The service worker looks at its script once the model is there.
  await page.waitForFunction(() => navigator.serviceWorker.getRegistration());
  await make({});
  await page.locator('[data-view="privacy"]').click();
  const number = async (/** @type {string} */ id) =>
    Number(await page.locator(`#requests-${id}`).textContent());
  assert.ok((await number("all")) > 10);
  assert.equal(await number("foreign"), 0);
  assert.equal(await number("generating"), 0);
  const by = await page.locator("#requests td:nth-child(3)").allTextContents();
  assert.deepEqual([...new Set(by)].sort(), ["engine", "page"]);
  assert.ok((await page.locator("#policy li").allTextContents()).includes("default-src 'none'"));
});

test("files of the app that are kept while generating are told apart", async (t) => {
  const app = await visit(t, { server, hash: "#steps=900" });
  const { page, state, generate, cancel, stepping } = app;
  await state("ready");
  const tell = () =>
    page.evaluate(() => {
      for (const url of ["./engine/worker.js", "https://elsewhere.example/"])
        navigator.serviceWorker.dispatchEvent(
          new MessageEvent("message", {
            data: {
              requests: [
                {
                  url: new URL(url, location.href).href,
                  time: Date.now(),
                  bytes: 9,
                  by: "service worker",
                },
              ],
            },
          }),
        );
    });
  await tell();
  await generate.click();
  await state("generating");
  await stepping();
  await tell();
  await cancel.click();
  await state("ready");
  await page.locator('[data-view="privacy"]').click();
  assert.equal(await page.locator("#requests-generating").textContent(), "2");
  const own = await page.locator("#requests-own").textContent();
  assert.equal(own, "(1 of them for the app’s own files, kept for use offline)");
});

test("the address follows the form, and a copied link gives the same form", async (t) => {
  const { page, state, type, site } = await visit(t, { server, hash: "#model=models/other" });
  await state("ready");
  await page.getByText("Advanced", { exact: true }).click();
  await type({ prompt: "a & b = 猫", steps: "7", seed: "3", eta: "0.5" });
  await page.waitForFunction(() => location.hash.includes("eta=0.5"));
  const link = page.url();
  assert.ok(link.startsWith(`${site.url}#model=`));
  await page.goto("about:blank");
  await page.goto(link);
  await state("ready");
  const values = await page.evaluate(() =>
    ["prompt", "steps", "seed", "eta"].map(
      (id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value,
    ),
  );
  assert.deepEqual(values, ["a & b = 猫", "7", "3", "0.5"]);
  assert.equal(await page.locator("#lock").getAttribute("aria-pressed"), "true");
});

test("a saved style goes with the prompt, and outlives a reload", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  await page.getByText("Styles", { exact: true }).click();
  await page.getByRole("button", { name: "Save…" }).click();
  await page.getByLabel("Name").fill("engraving");
  await page.getByLabel("Words for the prompt").fill("{prompt}, an engraving");
  await page.getByLabel("Words for the negative prompt").fill("colour");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await make({ prompt: "a cat" });
  assert.equal(await page.locator("#caption-prompt").textContent(), "a cat, an engraving");
  await page.waitForFunction(() => location.hash.includes("style=engraving"));
  await page.reload();
  await state("ready");
  assert.equal(await page.locator("#style").inputValue(), "engraving");
  assert.equal(await page.locator("#prompt").inputValue(), "a cat");
});

test("tokens are counted, and what is not seen is told", async (t) => {
  const { page, state, type } = await visit(t, { server });
  await state("ready");
  await page.locator("#tokens").filter({ hasText: "6 of 75 tokens" }).waitFor();
  await type({ prompt: `${"word ".repeat(75)}beyond sight` });
  await page.locator("#cut").filter({ hasText: "does not see: “beyond sight”" }).waitFor();
  await page.getByText("Advanced", { exact: true }).click();
  await page.getByLabel("Long prompts").selectOption("read everything, in chunks");
  await page.locator("#tokens").filter({ hasText: "77 of 150 tokens, in 2 chunks" }).waitFor();
  assert.equal(await page.locator("#cut").isVisible(), false);
});

test("the second picture is seen while it develops", async (t) => {
  const { page, state, type, generate, make } = await visit(t, { server });
  await state("ready");
  await make({ steps: "2" });
  await type({ steps: "60" });
  // Looked for before the click: it is seen for as long as the run takes.
  const seen = page.locator("#preview").waitFor();
  await generate.click();
  await seen;
  await state("ready");
  assert.equal(await page.locator("#preview").isVisible(), false);
  assert.equal(await page.locator("#canvas").isVisible(), true);
});
