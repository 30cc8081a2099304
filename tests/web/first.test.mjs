// What is seen first, by those who come for the first time. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { launch } from "./harness/browser.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

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
  assert.match(text, /Pictures from text, privately, in this browser\..*small demo model draws 44/);
  const box = await sheet.boundingBox();
  assert.ok(box && box.y + box.height <= 900, "above the fold");

  const unknown = page.locator("#unknown");
  await type({ prompt: "an astronaut riding a horse on mars, photorealistic" });
  await unknown.filter({ hasText: "only the shapes listed below" }).waitFor();
  await page.getByText("What the demo model draws").click();
  const list = (await page.locator("#known-list").textContent()) ?? "";
  assert.equal((list.split(".")[0] ?? "").split(",").length, 44);
  await type({ prompt: "a red Ice Cream on blue" });
  await unknown.waitFor({ state: "hidden" });
  await sheet.getByRole("button", { name: "Get the full Stable Diffusion" }).click();
  await page.locator("#shelf details[open]").first().waitFor();

  await page.evaluate(() => (location.hash = "#model=models/other&device=webgpu"));
  await page.locator("#known").waitFor({ state: "hidden" });
  await type({ prompt: "an astronaut" });
  await page.locator("#tokens").filter({ hasText: "2 of 75" }).waitFor();
  assert.equal(await unknown.isVisible(), false);
});

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
