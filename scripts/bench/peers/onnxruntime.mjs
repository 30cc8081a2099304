// An evaluation of a small UNet (two pictures, latents of 16×16), Darkroom and onnxruntime-web's
// WebGPU provider in turn, in one headless Chromium on SwiftShader.
//   node scripts/bench/peers/onnxruntime.mjs MODEL UNET.onnx ORT [pairs]
// MODEL is a folder of `darkroom synth --config width-64`, UNET.onnx what export_unet.py made of
// it, ORT the folder of the npm package onnxruntime-web. After scripts/build.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve } from "node:path";
import { launch } from "../../../tests/web/harness/browser.mjs";

const [model = "", onnx = "", ort = "", pairs = "3"] = process.argv.slice(2);
const STEPS = 4;
const roots = [join(import.meta.dirname, "../../../dist"), model, dirname(onnx), ort].map((root) =>
  resolve(root),
);
/** @type {Record<string, string>} */
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

// An empty page and the files of all four, without the page's policy, which knows no peers.
const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const read = roots.map((root) => readFile(join(root, path)).catch(() => null));
  const empty = Buffer.from("<!doctype html>");
  const file = path === "/" ? empty : (await Promise.all(read)).find(Boolean);
  const type = path === "/" ? "text/html" : TYPES[extname(path)];
  response.writeHead(file ? 200 : 404, { "Content-Type": type ?? "application/octet-stream" });
  response.end(file ?? undefined);
});
await new Promise((done) => server.listen(0, () => done(null)));
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
const browser = await launch({ whole: true });
const page = await browser.newPage();
page.setDefaultTimeout(1_800_000);
await page.goto(`http://localhost:${port}/`);

const started = await page.evaluate(
  async ({ file, steps }) => {
    const at = (/** @type {string} */ path) => new URL(path, document.baseURI);
    const { default: init, Engine } = await import(at("pkg/darkroom.js").href);
    await init({ module_or_path: at("pkg/darkroom_bg.wasm") });
    const engine = new Engine();
    const how = { device: "webgpu", adapter: "software", safety: "off", tunings: {} };
    const { tuning } = await engine.open("./", how, () => {});
    const ours = async () => {
      /** @type {number[]} */
      const times = [];
      const request = { prompt: "a red cat", steps, width: 128, height: 128, sampler: "ddim" };
      await engine.generate(request, (/** @type {{ event: string }} */ progress) => {
        if (progress.event === "step") times.push(performance.now());
      });
      const each = times.slice(1).map((time, i) => time - (times[i] ?? 0));
      return each.sort((a, b) => a - b)[each.length >> 1];
    };
    const runtime = await import(at("dist/ort.webgpu.bundle.min.mjs").href);
    runtime.env.wasm.numThreads = 1;
    const session = await runtime.InferenceSession.create(at(file).href, {
      executionProviders: ["webgpu"],
    });
    /** @param {number[]} dims */
    const noise = (dims) => {
      const length = dims.reduce((a, b) => a * b);
      const data = Float32Array.from({ length }, (_, i) => Math.sin(i));
      return new runtime.Tensor("float32", data, dims);
    };
    const inputs = {
      sample: noise([2, 4, 16, 16]),
      timestep: new runtime.Tensor("float32", Float32Array.of(500), [1]),
      encoder_hidden_states: noise([2, 77, 768]),
    };
    const theirs = async () => {
      const start = performance.now();
      const { eps } = await session.run(inputs);
      await eps.getData();
      return performance.now() - start;
    };
    Object.assign(globalThis, { ours, theirs });
    const first = [await ours(), await theirs()];
    return { tuning, first };
  },
  { file: onnx.split("/").pop() ?? "", steps: STEPS },
);
console.log(`${await browser.version()}, SwiftShader; ${started.tuning[1]}`);
const ratios = [];
for (let pair = 0; pair < Number(pairs); pair++) {
  const ours = await page.evaluate(() => /** @type {any} */ (globalThis).ours());
  const theirs = await page.evaluate(() => /** @type {any} */ (globalThis).theirs());
  ratios.push(theirs / ours);
  const ratio = `${(theirs / ours).toFixed(1)}×`;
  console.log(`Darkroom ${ours.toFixed(0)} ms, onnxruntime-web ${theirs.toFixed(0)} ms: ${ratio}`);
}
ratios.sort((a, b) => a - b);
console.log(`median ${(ratios[ratios.length >> 1] ?? 0).toFixed(1)}×`);
await browser.close();
server.close();
