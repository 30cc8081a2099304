// Our wasm in Node, on Dawn: the WebGPU of Chromium, but on the machine's own Vulkan or Metal,
// which has shader-f16 where the headless browser's adapter has not.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, after, test } from "node:test";
import { globals } from "webgpu";
import { serve } from "../../../scripts/serve.mjs";
import { findAdapter } from "../../../web/engine/adapter.js";
import { openGpu } from "./adapter.mjs";
import { REQUEST, difference, nativePicture, testModels } from "../harness/native.mjs";

const PKG = join(import.meta.dirname, "../../../web/pkg");
const models = await testModels();

/** @typedef {import("../../../web/engine/protocol.js").Progress} Progress */

/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
/** @type {any} */
let wasm;
/** The picture in f32. @type {Awaited<ReturnType<typeof draw>>} */
let full;

before(async () => {
  // What wasm-bindgen and wgpu look for in a browser.
  Object.assign(globalThis, globals, { Window: class Window {} });
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu: await openGpu() },
    configurable: true,
  });
  wasm = await import(join(PKG, "darkroom.js"));
  wasm.initSync({ module: await readFile(join(PKG, "darkroom_bg.wasm")) });
  site = await serve({ roots: [models] });
});

after(() => site.close());

/**
 * A picture by an engine of its own.
 * @param {{ precision: string, device: string }} options
 */
async function draw(options) {
  const engine = new wasm.Engine();
  /** @type {Progress[]} */
  const heard = [];
  const listen = (/** @type {Progress} */ progress) => heard.push(progress);
  const opened = await engine.open(`${site.url}models/tiny`, options, listen);
  assert.equal(opened.device, "webgpu");
  const { width, height, rgba } = await engine.generate(REQUEST, listen);
  engine.dispose();
  return { width, height, bytes: rgba, heard };
}

test("in f32 the picture is the native program's, and progress is told", async (t) => {
  full = await draw({ precision: "f32", device: "webgpu" });
  const { heard, ...picture } = full;
  const most = difference(picture, await nativePicture(join(models, "models/tiny")));
  t.diagnostic(`the pictures differ by ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);
  const steps = heard.flatMap((progress) => (progress.event === "step" ? [progress.step] : []));
  assert.deepEqual(steps, [0, 1, 2, 3, 4]);
  const loading = heard.filter((progress) => progress.event === "loading");
  const last = loading.at(-1);
  assert.ok(last && last.bytes_done === last.bytes_total && last.bytes_total > 1e6);
});

test("in f16 the picture stays near that of f32", async (t) => {
  const half = await draw({ precision: "f16", device: "webgpu" });
  const most = difference(half, full);
  let sum = 0;
  for (const [i, value] of half.bytes.entries()) sum += Math.abs(value - full.bytes[i]);
  const mean = sum / half.bytes.length;
  t.diagnostic(`f16 differs from f32 by ${most} of 255 at most, ${mean.toFixed(2)} on average`);
  assert.ok(most > 0, "f16 gave the very numbers of f32: is it f16 at all?");
  assert.ok(mean <= 2, `${mean} of 255 on average`);
});

test("an adapter without a name is measured", async () => {
  const { gpu } = /** @type {any} */ (navigator);
  const request = gpu.requestAdapter.bind(gpu);
  const named = await findAdapter();
  const nameless = { vendor: "", architecture: "", device: "", description: "" };
  // As Firefox tells of adapters.
  gpu.requestAdapter = async (/** @type {unknown} */ options) => {
    const adapter = await request(options);
    const info = { ...nameless, isFallbackAdapter: false };
    return Object.defineProperty(adapter, "info", { value: info });
  };
  const engine = new wasm.Engine();
  const open = (/** @type {object} */ options) =>
    engine.open(`${site.url}models/tiny`, options, () => {});
  try {
    const told = await open({ device: "webgpu", adapter: "hardware" });
    assert.deepEqual([told.device, told.adapter_kind], ["webgpu", "hardware"]);
    const measured = await open({ device: "webgpu" });
    assert.equal(measured.device, "webgpu");
    assert.equal(measured.adapter_kind, named.kind);
    assert.equal((await findAdapter()).kind, "unknown");
    const auto = await open({ adapter: "unknown" });
    const device = named.kind === "software" ? "cpu" : "webgpu";
    assert.deepEqual([auto.device, auto.adapter_kind], [device, named.kind]);
  } finally {
    engine.dispose();
    gpu.requestAdapter = request;
  }
});

test("an option that is none of its choices is told with them", async () => {
  const engine = new wasm.Engine();
  for (const [field, sentence] of [
    ["device", "must be auto, webgpu or cpu, not `other`"],
    ["safety", "must be on or off, not `other`"],
    ["memory", "must be auto or less, not `other`"],
  ]) {
    const told = engine.open(`${site.url}models/tiny`, { [String(field)]: "other" }, () => {});
    await assert.rejects(told, (/** @type {any} */ error) => {
      assert.deepEqual([error.kind, error.field], ["request", field]);
      return error.message.includes(sentence);
    });
  }
});

test("faults are errors with a kind", async () => {
  const engine = new wasm.Engine();
  const quiet = () => {};
  await assert.rejects(engine.generate(REQUEST, quiet), { kind: "closed" });
  await assert.rejects(engine.open(`${site.url}models/nowhere`, {}, quiet), { kind: "not_found" });
  await assert.rejects(engine.open(`${site.url}models/cut`, {}, quiet), { kind: "bad_file" });
  await assert.rejects(engine.open(`${site.url}models/unknown`, {}, quiet), { kind: "config" });
  await assert.rejects(engine.open(`${site.url}models/tiny`, { precision: "f8" }, quiet), {
    kind: "request",
    field: "precision",
  });
  await engine.open(`${site.url}models/tiny`, undefined, quiet);
  await assert.rejects(engine.generate({ ...REQUEST, guidance_scale: NaN }, quiet), {
    kind: "request",
    field: "guidance scale",
  });
  await assert.rejects(engine.generate({ ...REQUEST, steps: 0 }, quiet), {
    kind: "request",
    field: "steps",
  });
  await assert.rejects(engine.generate(undefined, quiet), { kind: "request", field: "request" });
  let steps = 0;
  const stop = (/** @type {Progress} */ { event }) => {
    if (event === "step" && ++steps === 3) engine.cancel();
  };
  await assert.rejects(engine.generate({ ...REQUEST, steps: 100 }, stop), { kind: "cancelled" });
  assert.ok(steps <= 4, `${steps} steps were told of after a cancel at the third`);
  assert.equal((await engine.generate({ ...REQUEST, steps: 1 }, quiet)).rgba.length > 0, true);
  engine.dispose();
});

test("the operations of v1.4 are counted, though they outgrow a size of wasm", async () => {
  const { flops } = await wasm.forecast();
  // Twenty evaluations for two prompts, of 0.4 T multiply-adds for each; the rest is less than half
  // of that.
  const unet = 20 * 2 * 2 * 0.4e12;
  assert.ok(flops > 0.95 * unet && flops < 1.5 * unet, `${flops / unet} of the UNet's`);
});
