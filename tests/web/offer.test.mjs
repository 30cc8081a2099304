// What the page says of a device before a large model is fetched: each thing that may be missing
// is taken away in turn, and told in a sentence with what to do. A double is the engine.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/** An adapter of the page's own. Runs in the page. */
function adapterOf(/** @type {object} */ more) {
  const info = { vendor: "acme", architecture: "raster", device: "", description: "Acme Raster 9" };
  const adapter = {
    info,
    features: new Set(["shader-f16"]),
    limits: { maxBufferSize: 2 ** 31 },
    ...more,
  };
  const gpu = { requestAdapter: async () => adapter };
  Object.defineProperty(Navigator.prototype, "gpu", { value: gpu, configurable: true });
  Object.defineProperty(Navigator.prototype, "deviceMemory", { value: 8, configurable: true });
}

/** @param {string} body as a script before the page's own */
const script = (body) => /** @type {() => void} */ (new Function(`${adapterOf}; ${body}`));
const define = (/** @type {string} */ name, /** @type {string} */ value) =>
  `Object.defineProperty(Navigator.prototype, "${name}", { value: ${value}, configurable: true });`;

const CASES = /** @type {const} */ ([
  ["all is there", "adapterOf({});", /^This device has what it needs\.$/],
  ["no WebGPU", define("gpu", "undefined"), /no WebGPU.*Take a current Chrome/],
  [
    "no adapter",
    define("gpu", "{ requestAdapter: async () => null }"),
    /no graphics adapter answers\. Switch on hardware acceleration/,
  ],
  [
    "a software adapter",
    `adapterOf({ info: { description: "SwiftShader Device" } });`,
    /No graphics card is available to the browser.*Switch on hardware acceleration/,
  ],
  ["no f16", "adapterOf({ features: new Set() });", /no half precision.*Nothing needs to be done/],
  [
    "too little memory",
    `adapterOf({}); ${define("deviceMemory", "2")}`,
    /too little memory.*weights=q8_0/,
  ],
  [
    "too little room on the disk",
    "adapterOf({}); navigator.storage.estimate = async () => ({ usage: 1e9, quota: 2e9 });",
    /lets this site keep 1\.00 GB more, and the model takes 2\.13 GB\. Free some space/,
  ],
]);

for (const [name, body, sentence] of CASES) {
  test(`${name}: told on the offer of v1.4`, async (t) => {
    const { page, state } = await visit(t, { server, before: script(body) });
    await state("ready");
    const offer = page.getByRole("complementary", { name: "Stable Diffusion v1.4" });
    await offer.locator("#offer-verdict li").first().waitFor();
    const told = (await offer.locator("#offer-verdict li").allTextContents()).join(" ");
    assert.match(told, sentence);
    // The way to the model stands out where the device has what it needs, and only there.
    const get = offer.getByRole("button", { name: "Download (2.13 GB)…" });
    const stands = (await get.getAttribute("class")) === "primary";
    assert.equal(stands, ["all is there", "no f16"].includes(name));
    assert.match((await offer.textContent()) ?? "", /2\.13 GB.*CreativeML\s+OpenRAIL-M/s);
  });
}

test("an address that is not secure is told", async (t) => {
  const { page, state } = await visit(t, {
    server,
    host: "darkroom.test",
    flags: ["--host-resolver-rules=MAP darkroom.test 127.0.0.1"],
  });
  await state("ready");
  const told = page.locator("#offer-verdict").filter({ hasText: /not secure.*Open it by https/ });
  await told.waitFor();
});

test("seconds are measured when asked for, kept, and the way to the model is shown", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const facts = page.locator("#offer-facts");
  assert.doesNotMatch((await facts.textContent()) ?? "", / s$/);
  await page.getByRole("button", { name: "Measure this device" }).click();
  const measured = facts.filter({ hasText: "512 × 512, 20 steps≈ 42 s" });
  await measured.waitFor();
  await facts.filter({ hasText: "about 2.87 GB" }).waitFor();
  await page.reload();
  await measured.waitFor();
  await page.getByRole("button", { name: "Download (2.13 GB)…" }).click();
  const models = page.getByRole("region", { name: "Models" });
  await models.getByRole("button", { name: "Import files" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "SUMMARY");
});

test("where v1.4 does not fit, a smaller model is named with what it costs", async (t) => {
  const before = script(`adapterOf({}); ${define("deviceMemory", "2")}`);
  const { page, state } = await visit(t, { server, before });
  await state("ready");
  const facts = page.locator("#offer-facts");
  const row = /BK-SDM-Tiny, q8_0, with a TAESDabout 730 MB/;
  await facts.filter({ hasText: row }).waitFor();
  assert.doesNotMatch((await facts.textContent()) ?? "", /730 MB, ≈/, "no time before measuring");
  await page.getByRole("button", { name: "Measure this device" }).click();
  await facts.filter({ hasText: /BK-SDM-Tiny.*about 610 MB, ≈ 9\.6 s/ }).waitFor();
  await page
    .locator("#offer-verdict li")
    .filter({ hasText: /nota-ai\/bk-sdm-tiny and madebyollin\/taesd.*&weights=q8_0/ })
    .waitFor();
});

test("where v1.4 would be slow, so it is; where all is well, it is not", async (t) => {
  const measured = (/** @type {number} */ seconds) => ({
    ...{ steps: 20, weight_bytes: 1, peak_bytes: 2.8e9, peak_bytes_f16: null, flops: 1, seconds },
    small: { peak_bytes: 0.6e9, seconds: seconds / 3 },
  });
  for (const [seconds, isSlow] of /** @type {const} */ ([
    [90, true],
    [20, false],
  ])) {
    const kept = JSON.stringify({ name: "Acme Raster 9", forecast: measured(seconds) });
    const keep = `localStorage.setItem("darkroom.forecast", ${JSON.stringify(kept)});`;
    const { page, state } = await visit(t, { server, before: script(`adapterOf({}); ${keep}`) });
    await state("ready");
    const facts = page.locator("#offer-facts").filter({ hasText: `≈ ${seconds} s` });
    await facts.waitFor();
    assert.equal(/BK-SDM-Tiny.*≈ 30 s/.test((await facts.textContent()) ?? ""), isSlow);
  }
});

test("who has another model is offered nothing", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#model=models/other" });
  await state("ready");
  assert.equal(await page.locator("#offer").isVisible(), false);
});
