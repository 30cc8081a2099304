// The kernels' speed in headless Chromium on SwiftShader, through the wasm of dist/.
//   node scripts/bench/chromium.mjs [--only TEXT] [--runs N] [--divide N] [--kernels TEXT|tuned]
//   node scripts/bench/chromium.mjs --model FOLDER [--size WxH] [--runs N] [--tuned]
// With a model, an evaluation of its UNet by kernel; --tuned lets the adapter choose the kernels.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "../../tests/web/harness/browser.mjs";
import { serve } from "../serve.mjs";
import { requireShipped } from "../shipped.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    runs: { type: "string", default: "5" },
    divide: { type: "string", default: "1" },
    kernels: { type: "string" },
    model: { type: "string", default: "" },
    size: { type: "string", default: "128x128" },
    tuned: { type: "boolean", default: false },
  },
});
const dist = join(import.meta.dirname, "../../dist");
await requireShipped(dist);
const roots = values.model ? [values.model, dist] : [dist];
const site = await serve({ roots });
const browser = await launch({ whole: true });
const page = await browser.newPage();
page.setDefaultTimeout(600_000);
await page.goto(site.url);
await (values.model ? evaluation() : ops());
await browser.close();
await site.close();

/** Single kernels, at shapes of Stable Diffusion v1.4. */
async function ops() {
  await page.exposeFunction("tell", (/** @type {Record<string, any>} */ figure) =>
    console.log(
      String(figure["name"]).padEnd(44),
      `${(1e3 * figure["seconds"]).toFixed(1).padStart(9)} ms`,
      `${figure["gflops"].toFixed(2).padStart(8)} GFLOP/s`,
      `${(100 * figure["of_peak"]).toFixed(1).padStart(6)} % of peak`,
    ),
  );
  const wish = {
    only: values.only,
    runs: Number(values.runs),
    divide: Number(values.divide),
    ...(values.kernels ? { kernels: values.kernels } : {}),
  };
  const peaks = await page.evaluate(async (wish) => {
    const at = (/** @type {string} */ path) => new URL(path, document.baseURI);
    const wasm = await import(at("pkg/darkroom.js").href);
    await wasm.default({ module_or_path: at("pkg/darkroom_bg.wasm") });
    const { tell } = /** @type {any} */ (globalThis);
    return wasm.bench(wish, (/** @type {unknown} */ figure) => tell(figure));
  }, wish);
  console.log(`${await browser.version()}, SwiftShader, kernels ${peaks.kernels}`);
  console.log(`peaks: ${peaks.gflops.toFixed(1)} GFLOP/s, ${peaks.gbps.toFixed(2)} GB/s of a copy`);
}

/** An evaluation of the model's UNet, by kernel. */
async function evaluation() {
  const [width, height] = values.size.split("x").map(Number);
  const request = { width, height };
  const profile = await page.evaluate(
    async ({ request, runs, tuned }) => {
      const at = (/** @type {string} */ path) => new URL(path, document.baseURI);
      const wasm = await import(at("pkg/darkroom.js").href);
      await wasm.default({ module_or_path: at("pkg/darkroom_bg.wasm") });
      const engine = new wasm.Engine();
      const how = { device: "webgpu", adapter: "software", safety: "off" };
      await engine.open("./", tuned ? { ...how, tunings: {} } : how, () => {});
      return (await engine.profile(request, runs, () => {})).evaluations[0];
    },
    { request, runs: Number(values.runs), tuned: values.tuned },
  );
  for (const kernel of profile.kernels) {
    console.log(
      String(kernel.kernel).padEnd(24),
      String(kernel.dispatches).padStart(5),
      `${(1e3 * kernel.seconds).toFixed(1).padStart(9)} ms`,
      `${kernel.gflop.toFixed(2).padStart(8)} GFLOP`,
      `${(100 * kernel.of_peak).toFixed(1).padStart(6)} % of peak`,
      `${(100 * kernel.of_copy).toFixed(1).padStart(6)} % of copy`,
    );
  }
  const { gflops, gbps } = profile.peaks;
  console.log(`${await browser.version()}, SwiftShader, kernels ${profile.tuning}`);
  console.log(`an evaluation: ${(1e3 * profile.seconds).toFixed(0)} ms`);
  console.log(`peaks: ${gflops.toFixed(1)} GFLOP/s, ${gbps.toFixed(2)} GB/s of a copy`);
}
