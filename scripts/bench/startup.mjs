// How soon a picture begins, and what it takes: one build of the site or several, in turn in one
// run, in headless Chromium on SwiftShader, with the built-in model.
//   node scripts/bench/startup.mjs DIST [DIST …] [--rounds N] [--steps N]
// Cold is a visitor with an empty cache, warm one who comes again, stored one whose model is in the
// browser's database. Seconds are from the first request of the wasm to the end of the first step,
// and of a second picture from the click to its bytes; memory is the most that was held by buffers
// made and not destroyed.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launchKept } from "../../tests/web/harness/browser.mjs";
import { serve } from "../serve.mjs";
import { requireShipped } from "../shipped.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "20" },
  },
});
if (positionals.length === 0) throw new Error("Which builds? Name at least one dist/ folder.");
for (const dist of positionals) await requireShipped(dist);

/** @typedef {{ first: number, picture: number, memory: number }} Visit */

/** @type {Record<string, Record<string, Visit[]>>} */
const all = {};
for (let round = 0; round < Number(values.rounds); round++) {
  for (const dist of positionals) {
    for (const [kind, visit] of Object.entries(await visits(dist))) {
      ((all[dist] ??= {})[kind] ??= []).push(visit);
    }
  }
}
for (const [dist, kinds] of Object.entries(all)) {
  for (const [kind, visits] of Object.entries(kinds)) {
    const middle = (/** @type {(visit: Visit) => number} */ of) => {
      const sorted = visits.map(of).sort((a, b) => a - b);
      return sorted[sorted.length >> 1] ?? NaN;
    };
    console.log(
      `${dist} ${kind.padEnd(7)}`,
      `first step after ${middle((visit) => visit.first).toFixed(2)} s,`,
      `a picture ${middle((visit) => visit.picture).toFixed(2)} s,`,
      `${(middle((visit) => visit.memory) / 1e6).toFixed(1)} MB on the GPU`,
    );
  }
}

/**
 * One visitor's visits, with a profile of its own on the disk.
 * @param {string} dist
 * @returns {Promise<Record<string, Visit>>}
 */
async function visits(dist) {
  const scratch = await mkdtemp(join(tmpdir(), "darkroom-startup-"));
  await writeFile(join(scratch, "plain.html"), "<!doctype html>");
  const site = await serve({ roots: [scratch, dist] });
  const context = await launchKept(join(scratch, "profile"));
  /** @param {string} model */
  const visit = async (model) => {
    const page = await context.newPage();
    page.setDefaultTimeout(600_000);
    await page.goto(`${site.url}plain.html`);
    const seen = await page.evaluate(draw, { model, steps: Number(values.steps) });
    await page.close();
    return seen;
  };
  try {
    const cold = await visit("./models/demo/");
    const warm = await visit("./models/demo/");
    const text = (/** @type {string} */ path) => readFile(join(dist, path), "utf8").catch(() => "");
    const manifest = await text("models/demo/manifest.json");
    const store = await text("store/client.js");
    if (!manifest || !store) return { cold, warm };
    const id = await keep(context, site.url, manifest);
    return { cold, warm, stored: await visit(`stored:${id}`) };
  } finally {
    await context.close();
    await site.close();
    await rm(scratch, { recursive: true });
  }
}

/**
 * Puts the built-in model into the browser's database; resolves to its id there.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} url
 * @param {string} manifest
 */
async function keep(context, url, manifest) {
  const page = await context.newPage();
  await page.goto(`${url}plain.html`);
  const { id } = JSON.parse(manifest);
  await page.evaluate(
    async ({ manifest, id }) => {
      // @ts-ignore: a module of the page
      const { Store } = await import("./store/client.js");
      const store = new Store();
      await store.add({ manifest, address: new URL("models/demo/", document.baseURI).href });
      await store.download(id, {}, () => {});
    },
    { manifest, id },
  );
  await page.close();
  return String(id);
}

/**
 * Runs in the page.
 * @param {{ model: string, steps: number }} wish
 * @returns {Promise<Visit>}
 */
async function draw({ model, steps }) {
  const at = (/** @type {string} */ path) => new URL(path, document.baseURI);
  let [held, memory] = [0, 0];
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (/** @type {GPUBufferDescriptor} */ descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    memory = Math.max(memory, (held += descriptor.size));
    const { destroy } = buffer;
    buffer.destroy = () => {
      held -= descriptor.size;
      return destroy.call(buffer);
    };
    return buffer;
  };
  const begun = performance.now();
  const wasm = await import(at("pkg/darkroom.js").href);
  await wasm.default({ module_or_path: at("pkg/darkroom_bg.wasm") });
  const engine = new wasm.Engine();
  const how = { device: "webgpu", adapter: "software", safety: "off" };
  await engine.open(model, how, () => {});
  let first = 0;
  const request = { prompt: "a red heart on yellow", steps, seed: "1" };
  await engine.generate(request, (/** @type {{ event: string, step: number }} */ progress) => {
    if (progress.event === "step" && progress.step === 1) first ||= performance.now() - begun;
  });
  const clicked = performance.now();
  await engine.generate({ ...request, seed: "2" }, () => {});
  const picture = performance.now() - clicked;
  return { first: first / 1e3, picture: picture / 1e3, memory };
}
