// What is seen first, by those who come for the first time. A double stands in the engine's place.

import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { serve } from "../../scripts/serve.mjs";
import { launch } from "./harness/browser.mjs";
import { DOUBLE, SITE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

test("the very first picture is drawn well; later ones have seeds of their own", async (t) => {
  const { page, state, make } = await visit(t, { server });
  const seed = async () => (await page.locator("#caption-facts").textContent())?.split(" ")[1];
  await state("ready");
  await make({ steps: "2" });
  assert.equal(await seed(), "5");
  await make({});
  assert.notEqual(await seed(), "5");
  await page.reload();
  await state("ready");
  await make({});
  assert.notEqual(await seed(), "5");
});

test("the first screen says what this is, that it is private, what the demo draws", async (t) => {
  const { page, state, type } = await visit(t, { server });
  await state("ready");
  const sheet = page.locator("#empty");
  await sheet.getByRole("button", { name: "Get the full Stable Diffusion" }).waitFor();
  const text = ((await sheet.textContent()) ?? "").replace(/\s+/g, " ");
  assert.match(text, /Images from text, privately, in this browser\..*small demo model draws/);
  const box = await sheet.boundingBox();
  assert.ok(box && box.y + box.height <= 900, "above the fold");

  const unknown = page.locator("#unknown");
  await type({ prompt: "an astronaut riding a robot on mars, photorealistic, a red cat" });
  const named = "does not know “astronaut”, “riding”, “robot”, “mars”, and 1 more";
  await unknown.filter({ hasText: named }).waitFor();
  await unknown.getByRole("button", { name: "Get the full Stable Diffusion" }).waitFor();
  await type({ prompt: "a red background" });
  await unknown.filter({ hasText: "names nothing that the demo model draws" }).waitFor();
  await type({ prompt: `${"cat ".repeat(80)}${"y".repeat(600)}` });
  await unknown.filter({ hasText: "yyy" }).waitFor();
  await page.locator("#cut").waitFor();
  const widths = () => [document.documentElement.scrollWidth, innerWidth];
  const [whole = 0, seen = 0] = await page.evaluate(widths);
  assert.ok(whole <= seen, `a long word makes the page ${whole} wide`);
  await type({ prompt: "a (red:1.2) Ice Cream on blue" });
  await unknown.waitFor({ state: "hidden" });
  await sheet.getByRole("button", { name: "Get the full Stable Diffusion" }).click();
  await page.locator("#library details[open]").first().waitFor();

  await page.evaluate(() => (location.hash = "#model=models/other&device=webgpu"));
  await page.locator("#known").waitFor({ state: "hidden" });
  await type({ prompt: "an astronaut" });
  await page.locator("#tokens").filter({ hasText: "2 of 75" }).waitFor();
  assert.equal(await unknown.isVisible(), false);
});

test("what the demo model draws can be searched, and writes a prompt", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await page.getByText("What the demo model draws").click();
  const known = page.locator("#known-list");
  const things = known.getByRole("group", { name: "Things" }).getByRole("button");
  await known.getByText("48 of 420 shown").waitFor();
  assert.equal(await things.count(), 48);
  await known.getByText("Colours: white, black, gray").waitFor();
  await known.getByRole("searchbox", { name: "Search" }).fill("whee");
  await known.getByText("5 of 420.").waitFor();
  const found = ["wheel", "ferris wheel", "manual wheelchair", "motorized wheelchair", "gear"];
  assert.deepEqual(await things.allTextContents(), found);
  await known.getByRole("searchbox").fill("palm");
  await things.click();
  const prompt = page.getByRole("textbox", { name: "Prompt", exact: true });
  assert.match(await prompt.inputValue(), /^an? (\w+ )?palm tree on an? \w+ background$/);
  const form = page.locator("#form");
  await form.evaluate((form) => {
    form.addEventListener("submit", () => form.setAttribute("data-sent", ""));
  });
  await known.getByRole("searchbox").press("Enter");
  assert.equal(await form.getAttribute("data-sent"), null, "Enter asks for no image");
  await known.getByRole("searchbox").fill("robot");
  await known.getByText("Nothing found.").waitFor();
  await page.getByRole("button", { name: "Surprise me" }).click();
  await page.waitForFunction(() => {
    const field = /** @type {HTMLTextAreaElement} */ (document.getElementById("prompt"));
    return !field.value.includes("palm") || field.value.includes("palm tree on a");
  });
  assert.match(await prompt.inputValue(), /^an? [\w ]+ on an? \w+ background$/);
});

test("the examples are others at another visit, but for the first", async (t) => {
  const { page, state } = await visit(t, { server });
  const shown = async () => {
    await state("ready");
    return page.locator("#examples button").allTextContents();
  };
  const seen = new Set();
  for (let visits = 0; visits < 6; visits++) {
    const [first, ...others] = await shown();
    assert.equal(first, "a penguin on a blue background");
    assert.equal(others.length, 4);
    others.forEach((other) => seen.add(other));
    await page.reload();
  }
  // Three of twelve and "Surprise me": six times the same three has a chance of 1 in 10^10.
  assert.ok(seen.size > 4, [...seen].join());
});

/** Bytes of the wasm that come at once, and the milliseconds between two such parts. */
const PART = 150_000;
const PAUSE_MS = 120;

/**
 * Sends the engine's wasm as a slow link does, packed or not.
 * @param {boolean} packed
 */
function slowWasm(packed) {
  /**
   * @param {import("node:http").IncomingMessage} _
   * @param {import("node:http").ServerResponse} response @param {string} path
   */
  return (_, response, path) => {
    if (path !== "/pkg/darkroom_bg.wasm") return false;
    void (async () => {
      const wasm = await readFile(join(SITE, path));
      const body = packed ? gzipSync(wasm, { level: 1 }) : wasm;
      response.writeHead(200, {
        "Content-Type": "application/wasm",
        "Content-Length": body.length,
        ...(packed ? { "Content-Encoding": "gzip" } : {}),
      });
      for (let at = 0; at < body.length; at += PART) {
        response.write(body.subarray(at, at + PART));
        await new Promise((go) => setTimeout(go, PAUSE_MS));
      }
      response.end();
    })();
    return true;
  };
}

for (const packed of [false, true]) {
  const how = packed ? "packed" : "plain";
  test(`on a slow link the bytes of the engine are told as they come: ${how}`, async (t) => {
    const before = () => {
      /** @type {string[]} */
      const told = [];
      Object.assign(globalThis, { told });
      new MutationObserver(() => {
        const text = document.getElementById("progress-text")?.textContent ?? "";
        if (text !== told.at(-1)) told.push(text);
      }).observe(document, { subtree: true, childList: true, characterData: true });
    };
    const instead = slowWasm(packed);
    const { page, state } = await visit(t, { device: "cpu", server: { instead }, before });
    await state("ready");
    /** @type {string[]} */
    const told = await page.evaluate(() => /** @type {any} */ (globalThis).told);
    const lines = told.filter((line) => line.startsWith("Loading the engine: "));
    const [end, form] = packed
      ? [" MB", /^Loading the engine: (\d+\.\d) MB$/]
      : [` of ${((await wasmBytes()) / 1e6).toFixed(1)} MB`, /: (\d+\.\d) of \d+\.\d MB$/];
    const done = lines.map((line) => Number(form.exec(line)?.[1]));
    assert.ok(
      lines.every((line) => line.endsWith(end)),
      `${lines}`,
    );
    assert.ok(done.length >= 8, `${lines}`);
    assert.deepEqual(
      done,
      [...done].sort((a, b) => a - b),
    );
    assert.ok((done.at(-1) ?? 0) > 0.9 * ((await wasmBytes()) / 1e6), `${lines}`);
  });
}

const wasmBytes = async () => (await stat(join(SITE, "pkg/darkroom_bg.wasm"))).size;

test("without scripts the page says what it needs, and shows no form", async (t) => {
  const site = await serve({ roots: DOUBLE });
  t.after(() => site.close());
  const browser = await launch({ flags: ["--blink-settings=scriptEnabled=false"] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(site.url);
  const told = page.locator("main noscript p");
  await told.waitFor();
  assert.match((await told.textContent()) ?? "", /please allow\s+JavaScript/);
  assert.equal(await page.locator("#form").isVisible(), false);
});
