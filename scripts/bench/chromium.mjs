// The kernels' speed in headless Chromium on SwiftShader, through the wasm of dist/.
//   node scripts/bench/chromium.mjs [--only TEXT] [--runs N] [--divide N] [--kernels TEXT|tuned]

import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "../../tests/web/harness/browser.mjs";
import { serve } from "../serve.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    runs: { type: "string", default: "5" },
    divide: { type: "string", default: "1" },
    kernels: { type: "string" },
  },
});
const site = await serve({ roots: [join(import.meta.dirname, "../../dist")] });
const browser = await launch();
const page = await browser.newPage();
page.setDefaultTimeout(600_000);
await page.exposeFunction("tell", (/** @type {Record<string, any>} */ figure) =>
  console.log(
    String(figure["name"]).padEnd(44),
    `${(1e3 * figure["seconds"]).toFixed(1).padStart(9)} ms`,
    `${figure["gflops"].toFixed(2).padStart(8)} GFLOP/s`,
    `${(100 * figure["of_peak"]).toFixed(1).padStart(6)} % of peak`,
  ),
);
await page.goto(site.url);
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
await browser.close();
await site.close();
