// What an open model tells of requests: which settings each sampler has, by which the form goes,
// and the schema of a request.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { testModels } from "./harness/native.mjs";
import { SITE, visit } from "./harness/site.mjs";

const roots = [await testModels(), SITE];
const SETTINGS = ["eta", "sigmas", "spacing"];

/** A file that a model may have or not is asked for, and browsers put the answer on the console. */
const MAYBE = /404/;
/** @type {import("./harness/site.mjs").Visit} */
const options = { server: { roots }, device: "cpu", expected: MAYBE };

test("the form offers the settings that the sampler has", async (t) => {
  const hash = "#model=models/tiny&device=cpu";
  const { page, state, complaint } = await visit(t, { ...options, hash });
  await state("ready");
  await page.evaluate(() =>
    document.querySelectorAll("details").forEach((details) => (details.open = true)),
  );
  const offered = async (/** @type {string} */ sampler) => {
    await page.locator("#sampler").selectOption(sampler);
    const enabled = SETTINGS.map((name) => page.locator(`#${name}`).isEnabled());
    return (await Promise.all(enabled)).map((can, i) => (can ? SETTINGS[i] : "")).filter(Boolean);
  };
  assert.deepEqual(await offered("euler"), ["sigmas", "spacing"]);
  assert.deepEqual(await offered("lcm"), []);
  assert.deepEqual(await offered("tcd"), ["eta"]);
  assert.equal(await page.locator("#eta").getAttribute("placeholder"), "0.3");
  assert.deepEqual(await offered("ddim"), ["eta", "spacing"]);
  // What was typed is not lost with another sampler: the engine says what is wrong, at its field.
  await page.locator("#eta").fill("0.5");
  assert.deepEqual(await offered("euler"), ["eta", "sigmas", "spacing"]);
  await page.locator("#generate").click();
  assert.match(await complaint(), /eta is for ddim and tcd alone; euler knows none/);
  assert.equal(await page.locator("#eta").getAttribute("aria-invalid"), "true");
});

test("an open model tells the schema of its requests", async (t) => {
  const hash = "#model=models/tiny&device=cpu";
  const { page, state } = await visit(t, { ...options, hash });
  await state("ready");
  const description = await page.evaluate(async () => {
    const { Engine } = await import(new URL("engine/client.js", document.baseURI).href);
    return new Engine().open(new URL("models/tiny/", document.baseURI).href, { device: "cpu" });
  });
  const { samplers, abilities, request, text_layers } = description;
  const path = join(import.meta.dirname, "../../docs/request.schema.json");
  const published = JSON.parse(await readFile(path, "utf8"));
  const names = Object.keys(published.properties).sort();
  assert.deepEqual(Object.keys(request.properties).sort(), names);
  assert.deepEqual(request.properties.sampler.enum, samplers);
  assert.equal(request.properties.clip_skip.maximum, text_layers);
  assert.deepEqual(Object.keys(abilities).sort(), [...samplers].sort());
  for (const can of Object.values(abilities))
    assert.deepEqual(Object.keys(can).sort(), [
      "eta",
      "final_sigmas",
      "rescale_betas_zero_snr",
      "sigmas",
      "spacing",
    ]);
});
