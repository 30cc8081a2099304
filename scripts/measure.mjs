// Figures of a first visit and of a run, in a real browser on this machine: what is fetched before
// the wasm, how soon the form can be used, the first picture, the main thread's longest task. Fails
// where a bound is passed; prints a table in Markdown, which is kept in docs/measured/page.md.
//   node scripts/measure.mjs        after scripts/build

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { launch } from "../tests/web/harness/browser.mjs";
import { serve } from "./serve.mjs";
import { requireShipped } from "./shipped.mjs";
import { CATEGORIES, longest } from "./trace.mjs";

const DIST = join(import.meta.dirname, "../dist");

/** Bytes, as a server that compresses sends them. */
const SHELL_MAX = 150_000;
const WASM_MAX = 2_000_000;
/** Milliseconds that the main thread may work at a stretch. */
const TASK_MAX = 50;

/** A connection of 10 Mbit/s with 40 ms to the server. */
const CABLE = { offline: false, latency: 40, downloadThroughput: 1.25e6, uploadThroughput: 1.25e6 };

await requireShipped(DIST);

/** @type {{ what: string, value: string, bound: string }[]} */
const rows = [];
let good = true;

/**
 * @param {string} what
 * @param {number} value
 * @param {string} unit
 * @param {number} [bound]
 */
function note(what, value, unit, bound) {
  const text = (/** @type {number} */ number) =>
    `${number < 10 ? number.toFixed(1) : Math.round(number)} ${unit}`;
  rows.push({ what, value: text(value), bound: bound === undefined ? "" : text(bound) });
  if (bound !== undefined && value > bound) good = false;
}

/** @param {string} path */
const compressed = async (path) =>
  gzipSync(await readFile(join(DIST, path || "index.html")), { level: 9 }).length;

const browser = await launch({ whole: true });

/**
 * A visit with an empty cache, from the address to the first picture.
 * @param {string} device
 * @param {boolean} slow whether the connection is a cable's
 */
async function visit(device, slow) {
  /** @type {{ path: string, time: number }[]} */
  const asked = [];
  const site = await serve({
    roots: [DIST],
    instead(_request, _response, path) {
      asked.push({ path: path.slice(1), time: performance.now() });
      return false;
    },
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(600_000);
  const cable = await page.context().newCDPSession(page);
  await cable.send("Network.enable");
  if (slow) await cable.send("Network.emulateNetworkConditions", CABLE);
  await browser.startTracing(page, { categories: CATEGORIES });
  const begun = performance.now();
  const now = () => performance.now() - begun;
  await page.goto(`${site.url}#steps=20&seed=1&device=${device}`, { waitUntil: "commit" });
  await page.waitForSelector("#examples button");
  await page.fill("#prompt", "a red heart on yellow");
  const usable = now();
  await page.waitForSelector('html:is([data-state="ready"], [data-state="error"])');
  const ready = now();
  const opening = longest(await browser.stopTracing());
  await browser.startTracing(page, { categories: CATEGORIES });
  await page.click("#generate");
  await page.waitForSelector("#canvas:not([hidden])");
  await page.waitForSelector('html[data-state="ready"]');
  const picture = now();
  const running = longest(await browser.stopTracing());
  const wasm = asked.find(({ path }) => path.endsWith(".wasm"));
  const arrived = await page.evaluate(
    () =>
      new Promise((/** @type {(time: number) => void} */ resolve) => {
        // The worker's requests, as the privacy room lists them.
        const row = [...document.querySelectorAll("#requests tr")].find((one) =>
          one.textContent?.includes("darkroom_bg.wasm"),
        );
        resolve(row ? 1 : 0);
      }),
  );
  if (!wasm || !arrived) throw new Error("the wasm was not asked for");
  // The wasm's glue counts with the wasm, as in scripts/site.mjs.
  const shell = asked.filter(({ time, path }) => time < wasm.time && !/^(models|pkg)\//.test(path));
  await page.close();
  await site.close();
  const wasmAsked = wasm.time - begun;
  return { usable, ready, picture, opening, running, wasmAsked, shell };
}

const wasm = "pkg/darkroom_bg.wasm";
const cable = await visit("auto", true);
const paths = [...new Set(cable.shell.map(({ path }) => path))];
const sizes = await Promise.all(paths.map(compressed));
const before = sizes.reduce((sum, bytes) => sum + bytes, 0);
const files = `the page's files before the wasm, gzip (${paths.length} files)`;
note(files, before / 1000, "kB", SHELL_MAX / 1000);
const engine = (await compressed(wasm)) + (await compressed("pkg/darkroom.js"));
note("wasm and its glue, gzip", engine / 1000, "kB", WASM_MAX / 1000);
const wire = (await readFile(join(DIST, wasm))).length / 1.25e6;
note("10 Mbit/s: the form can be used after", cable.usable / 1000, "s");
note("10 Mbit/s: the wasm is asked for after", cable.wasmAsked / 1000, "s");
const arrives = cable.wasmAsked / 1000 + wire;
note("10 Mbit/s: the wasm, not compressed here, arrives after", arrives, "s");
if (cable.usable / 1000 >= arrives) good = false;
note("10 Mbit/s: the built-in model is open after", cable.ready / 1000, "s");
note("10 Mbit/s: first picture, 20 steps, from the cold visit", cable.picture / 1000, "s");

for (const device of ["cpu", "webgpu"]) {
  const { usable, ready, picture, opening, running } = await visit(device, false);
  note(`${device}: the form can be used after`, usable, "ms");
  note(`${device}: the built-in model is open after`, ready / 1000, "s");
  note(`${device}: first picture from the cold visit`, picture / 1000, "s");
  note(`${device}: longest script while it opens`, opening.script, "ms", TASK_MAX);
  note(`${device}: longest script during the run`, running.script, "ms", TASK_MAX);
  note(`${device}: longest whole task during the run`, running.task, "ms", TASK_MAX);
}
await browser.close();

const day = new Date().toISOString().slice(0, 10);
console.log(`${day}, ${availableParallelism()} cores, software adapter (SwiftShader)\n`);
console.log("| | measured | at most |\n|---|---:|---:|");
for (const { what, value, bound } of rows) console.log(`| ${what} | ${value} | ${bound} |`);
if (!good) {
  console.error("ERROR: a bound is passed.");
  process.exit(1);
}
