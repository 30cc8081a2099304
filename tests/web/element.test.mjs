// The life of <darkroom-image>: what it frees when it is removed, that a move does not disturb it,
// and that two of them share one engine. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE, prefix: "/some/where" };

/** In the page, before its scripts: counts what the element makes and frees. */
function count() {
  const live = new Set();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (/** @type {Blob} */ made) => {
    const url = createObjectURL(made);
    if (made.type === "image/png") live.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => {
    live.delete(url);
    revokeObjectURL(url);
  };
  /** @type {string[]} */
  const heard = [];
  const hear = (/** @type {Event} */ event) => {
    const { step } = /** @type {any} */ (event).detail ?? {};
    const element = /** @type {Element} */ (event.target);
    if (element.localName !== "darkroom-image") return;
    const what = event.type === "progress" ? `step ${step}` : event.type;
    if (what !== "step undefined") heard.push(`${element.getAttribute("prompt")}: ${what}`);
  };
  // None of them bubbles, but the document captures all.
  for (const name of ["progress", "load", "error"]) document.addEventListener(name, hear, true);
  Object.assign(globalThis, { life: { live, heard } });
}

/**
 * A page with these elements and nothing else that draws; `told` is what was heard and is live.
 * @param {import("node:test").TestContext} t
 * @param {Record<string, number>} prompts their prompts with their steps
 */
async function open(t, prompts) {
  const { page, site, state } = await visit(t, { server, before: count });
  await state("ready");
  await page.goto(`${site.url}examples/element.html`);
  // Those of the example go, and with them their worker.
  await page.evaluate(() => {
    for (const one of document.querySelectorAll("darkroom-image")) one.remove();
  });
  await noWorker(page);
  let workers = 0;
  page.on("worker", () => workers++);
  await page.evaluate((prompts) => {
    const { life } = /** @type {any} */ (globalThis);
    life.heard.length = 0;
    for (const [prompt, steps] of Object.entries(prompts)) {
      const one = document.createElement("darkroom-image");
      const all = { model: "../models/demo/", prompt, steps: String(steps) };
      for (const [name, value] of Object.entries(all)) one.setAttribute(name, value);
      document.body.append(one);
    }
  }, prompts);
  const told = () =>
    page.evaluate(() => {
      const { life } = /** @type {any} */ (globalThis);
      return { live: life.live.size, heard: /** @type {string[]} */ (life.heard) };
    });
  const heard = (/** @type {string} */ what) =>
    page.waitForFunction((what) => /** @type {any} */ (globalThis).life.heard.includes(what), what);
  const of = (/** @type {string} */ prompt) => page.locator(`darkroom-image[prompt="${prompt}"]`);
  return { page, told, heard, of, started: () => workers };
}

/** Waits until no worker runs. @param {import("playwright-core").Page} page */
async function noWorker(page) {
  const [worker] = page.workers();
  if (worker) await worker.waitForEvent?.("close").catch(() => {});
  assert.equal(page.workers().length, 0, "a worker still runs");
}

const remove = (/** @type {Element} */ element) => element.remove();

test("removed while it draws: the run stops, and the worker ends", async (t) => {
  const { page, told, heard, of } = await open(t, { a: 1000 });
  await heard("a: step 3");
  await of("a").evaluate(remove);
  await noWorker(page);
  const { live, heard: before } = await told();
  assert.equal(live, 0);
  await page.waitForTimeout(300);
  assert.deepEqual((await told()).heard, before, "it went on, or said more");
  assert.ok(!before.some((what) => /load|error/.test(what)));
});

test("removed with its image: the address is freed; put back, it is shown anew", async (t) => {
  const { page, told, heard, of, started } = await open(t, { a: 3 });
  await heard("a: load");
  assert.equal((await told()).live, 1);
  const kept = await of("a").evaluateHandle((element) => element);
  await kept.evaluate(remove);
  await noWorker(page);
  assert.equal((await told()).live, 0);
  const { heard: before } = await told();
  await kept.evaluate((element) => document.body.append(element));
  await page.getByRole("img", { name: "a" }).waitFor();
  assert.equal((await told()).live, 1);
  assert.deepEqual((await told()).heard, before, "it was made again");
  assert.equal(started(), 1);
  // With another prompt it is made again, by a new worker.
  await kept.evaluate((element) => element.setAttribute("prompt", "b"));
  await heard("b: load");
  assert.equal((await told()).live, 1, "the former address is freed");
  assert.equal(started(), 2);
});

test("put back with another prompt, it makes that image", async (t) => {
  const { page, told, heard, of } = await open(t, { a: 3 });
  await heard("a: load");
  const kept = await of("a").evaluateHandle((element) => element);
  await kept.evaluate(remove);
  await noWorker(page);
  await kept.evaluate((element) => {
    element.setAttribute("prompt", "b");
    document.body.append(element);
  });
  await heard("b: load");
  assert.equal((await told()).live, 1);
});

test("moved, it goes on: its run is not begun again, and its image stays", async (t) => {
  const { page, told, heard, of, started } = await open(t, { a: 40 });
  const move = () =>
    of("a").evaluate((element) => {
      const place = document.createElement("section");
      document.body.prepend(place);
      place.append(element);
    });
  await heard("a: step 3");
  await move();
  await heard("a: load");
  await move();
  await page.getByRole("img", { name: "a" }).waitFor();
  const { live, heard: all } = await told();
  assert.equal(live, 1);
  assert.equal(all.filter((what) => what === "a: step 1").length, 1, all.join());
  assert.equal(all.filter((what) => what === "a: load").length, 1, all.join());
  assert.equal(started(), 1);
});

test("of two, one goes: the other one's image is made by the same worker", async (t) => {
  const { told, heard, of, started } = await open(t, { a: 1000, b: 3 });
  await heard("a: step 3");
  await of("a").evaluate(remove);
  await heard("b: load");
  const { live, heard: all } = await told();
  assert.equal(live, 1);
  assert.ok(!all.some((what) => /a: (load|error)/.test(what)), all.join());
  assert.equal(started(), 1);
});
