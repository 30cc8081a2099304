// A whole model over HTTP into the browser's database and from there to the GPU, in a real browser
// on this machine: how fast each leg is, and how much memory it takes. Writes
// docs/measured/store.md.
//   cargo run --release -- synth --config sd-v1-4 --weights f16 --out FOLDER
//   node scripts/bench/store.mjs --model FOLDER [--write]        after scripts/build

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { serve } from "../serve.mjs";
import { requireShipped } from "../shipped.mjs";
import { launchKept } from "../../tests/web/harness/browser.mjs";
import { watchMemory } from "./memory.mjs";

const ROOT = join(import.meta.dirname, "../..");
const PROGRAM = join(process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target"), "debug/darkroom");
/** No leg may take longer. */
const PATIENCE_MS = 1_800_000;

const { values } = parseArgs({
  options: { model: { type: "string" }, write: { type: "boolean", default: false } },
});
if (!values.model) throw new Error("--model FOLDER is missing: the model to carry.");
await requireShipped(join(ROOT, "dist"));
const load = loadavg();
const scratch = await mkdtemp(join(tmpdir(), "darkroom-bench-"));

/** A page with the site's policy and none of its scripts; the model beside it. */
async function folder() {
  const made = join(scratch, "site");
  await mkdir(made);
  const index = await readFile(join(ROOT, "dist/index.html"), "utf8");
  const policy = /<meta\s+http-equiv="Content-Security-Policy"[^>]*>/.exec(index)?.[0];
  await writeFile(join(made, "plain.html"), `<!doctype html><meta charset="utf-8">${policy}`);
  await symlink(resolve(String(values.model)), join(made, "weights"));
  return made;
}

/** @type {Record<string, string>} */
const rows = {};
const note = (/** @type {string} */ name, /** @type {string} */ value) => {
  rows[name] = value;
  console.log(`${name.padEnd(52)} ${value}`);
};
const timed = async (/** @type {() => Promise<any>} */ job) => {
  const begun = performance.now();
  await job();
  return (performance.now() - begun) / 1000;
};

const words = ["manifest", "--model", values.model, "--id", "bench", "--licence", "none"];
const { stdout: manifest } = await promisify(execFile)(PROGRAM, words, { maxBuffer: 1 << 26 });
/** @type {{ bytes: number }[]} */
const files = JSON.parse(manifest).files;
const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
const rate = (/** @type {number} */ seconds) =>
  `${Math.round(total / 1e6 / seconds)} MB/s (${seconds.toFixed(1)} s)`;
const mib = (/** @type {number} */ bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const site = await serve({ roots: [join(ROOT, "dist"), await folder()] });
const context = await launchKept(join(scratch, "profile"));
try {
  note("model", `${(total / 1e9).toFixed(2)} GB in ${files.length} files`);
  await fetchIt();
  const before = await readRaw();
  await openWatched();
  const ready = await open();
  const raw = (before + (await readRaw())) / 2;
  note("read, raw: every record as an ArrayBuffer", rate(raw));
  note("reload to ready against raw read", (ready / raw).toFixed(2));
  await upload();
} finally {
  await context.close();
  await site.close();
  await rm(scratch, { recursive: true });
}
if (values.write)
  await writeFile(join(import.meta.dirname, "../../docs/measured/store.md"), table());

/** Network, hashes and database: through the store's own worker. */
async function fetchIt() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${site.url}plain.html`);
  await page.evaluate(async (manifest) => {
    // @ts-ignore: a module of the page
    const { Store } = await import("./store/client.js");
    const store = Object.assign(window, { store: new Store() }).store;
    const address = new URL("weights/", document.baseURI).href;
    await store.add({ manifest, address });
  }, manifest);
  const memory = await watchMemory(page, `${site.url}pkg/darkroom.js`);
  const fetched = await timed(() =>
    page.evaluate(() => /** @type {any} */ (window).store.download("bench", {}, () => {})),
  );
  note("network, SHA-256, database", rate(fetched));
  remember("while it is fetched", await memory());
  const checking = await watchMemory(page, `${site.url}pkg/darkroom.js`);
  const verified = await timed(() =>
    page.evaluate(() => /** @type {any} */ (window).store.verify("bench", {}, () => {})),
  );
  note("read and SHA-256 (Verify)", rate(verified));
  remember("while it is verified", await checking());
  await page.close();
}

/** From a reload until the page says that the model is ready, all weights on the GPU. */
async function open() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${site.url}#model=stored/bench&device=webgpu`);
  await isReady(page);
  const seconds = await timed(async () => {
    await page.reload();
    await isReady(page);
  });
  note("reload to ready: read, check, convert, upload", rate(seconds));
  await page.close();
  return seconds;
}

/** @param {import("playwright-core").Page} page */
async function isReady(page) {
  await page.waitForSelector('html:is([data-state="ready"], [data-state="error"])');
  const state = await page.evaluate(() => document.documentElement.dataset["state"]);
  if (state !== "ready") throw new Error(String(await page.getByRole("alert").textContent()));
}

/** Opens it once more with the engine alone, whose worker is looked at meanwhile. */
async function openWatched() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${site.url}plain.html`);
  await page.evaluate(async () => {
    // @ts-ignore: a module of the page
    const { Engine } = await import("./engine/client.js");
    const engine = Object.assign(window, { engine: new Engine() }).engine;
    // There is none: but now the wasm is there.
    await engine.open("models/none/").catch(() => {});
  });
  const memory = await watchMemory(page, `${site.url}pkg/darkroom.js`);
  await page.evaluate(() => {
    const { engine } = /** @type {any} */ (window);
    return engine.open("stored:bench", { device: "webgpu" });
  });
  remember("while it is opened", await memory());
  await page.close();
}

/** Every record of the database, and nothing done with it. */
async function readRaw() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${site.url}plain.html`);
  const seconds = await page.evaluate(async () => {
    const settled = (/** @type {IDBRequest} */ request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const begun = performance.now();
    const database = await settled(indexedDB.open("darkroom-weights"));
    const chunks = () => database.transaction("chunks").objectStore("chunks");
    for (const key of await settled(chunks().getAllKeys()))
      await new Response(await settled(chunks().get(key))).arrayBuffer();
    return (performance.now() - begun) / 1000;
  });
  await page.close();
  return seconds;
}

/** As many bytes from JavaScript to the same adapter, and nothing done with them. */
async function upload() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${site.url}plain.html`);
  const seconds = await page.evaluate(async (total) => {
    const { gpu } = /** @type {any} */ (navigator);
    const device = await (await gpu.requestAdapter()).requestDevice();
    const bytes = new Uint8Array(16 << 20).fill(7);
    const begun = performance.now();
    for (let at = 0; at < total; at += bytes.length) {
      const buffer = device.createBuffer({ size: bytes.length, usage: 8 });
      device.queue.writeBuffer(buffer, 0, bytes);
      await device.queue.onSubmittedWorkDone();
    }
    return (performance.now() - begun) / 1000;
  }, total);
  note("upload, raw: writeBuffer, 16 MiB at a time", rate(seconds));
  await page.close();
}

/**
 * @param {string} when
 * @param {import("./memory.mjs").Peaks} peaks
 */
function remember(when, { heap, wasm }) {
  const shown = (/** @type {{ idle: number, peak: number }} */ { idle, peak }) =>
    `${mib(peak - idle)} above idle (${mib(peak)})`;
  note(`JavaScript heap with its buffers, ${when}`, shown(heap));
  note(`wasm memory, ${when}`, shown(wasm));
}

/** docs/measured/store.md. */
function table() {
  const lines = Object.entries(rows).map(([name, value]) => `| ${name} | ${value} |`);
  const model = cpus()[0]?.model ?? "unknown";
  const all = [...load, ...loadavg()];
  const busy = all.map((n) => n.toFixed(0)).join(", ");
  const care = all.some((n) => n > cpus().length)
    ? "The machine was not idle: speeds are lower than they could be, and the ratio, of a leg\n" +
      "that waits for a core to one that waits for the disk, says little.\n"
    : "";
  return `# What it costs to keep a model in the browser

Written by \`node scripts/bench/store.mjs --model FOLDER --write\`: the topology of Stable Diffusion
v1.4 with made-up weights in f16, from a server on the same machine into IndexedDB of headless
Chromium, and from there to its software adapter (SwiftShader). Peaks are the largest of samples
taken ten times a second in the worker that does the work; idle is the same worker with its wasm
loaded. Bounds: 256 MiB above idle for each; from reload to ready at most 1.5 times the raw read.

Machine: ${cpus().length} cores, ${model}; ${new Date().toISOString().slice(0, 10)}.
Programs that wanted a core, on average of 1, 5 and 15 minutes before and after: ${busy}.
${care}
| leg | measured |
|---|---|
${lines.join("\n")}
`;
}
