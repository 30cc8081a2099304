// Figures of a gallery of many images, in a real browser on this machine: how soon it is shown, how
// long a search takes, how long the page's scripts work at a stretch while it is scrolled, searched
// and selected. One image is made by the engine; the others are stored with its record and file,
// each with a prompt of its own. Fails where a bound is passed; prints a table in Markdown, which
// is kept in docs/measured/gallery.md.
//   node scripts/gallery.mjs [COUNT]        after scripts/build

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { launch } from "../tests/web/harness/browser.mjs";
import { serve } from "./serve.mjs";
import { CATEGORIES, longest } from "./trace.mjs";

const DIST = join(import.meta.dirname, "../dist");
const COUNT = Number(process.argv[2] ?? 500);

/** Milliseconds: of a search, of a script at a stretch, and until the gallery is seen. */
const [SEARCH_MAX, SCRIPT_MAX, OPEN_MAX] = [100, 50, 1000];

/** @type {string[]} */
const rows = [];
let good = true;

/** @param {string} what @param {number} ms @param {number} [bound] */
function note(what, ms, bound) {
  const text = (/** @type {number} */ number) =>
    `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`;
  rows.push(`| ${what} | ${text(ms)} | ${bound === undefined ? "" : text(bound)} |`);
  if (bound !== undefined && ms > bound) good = false;
}

const site = await serve({ roots: [DIST] });
const browser = await launch({ whole: true });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
page.setDefaultTimeout(600_000);
const ready = 'html[data-state="ready"]';
await page.goto(`${site.url}#steps=4&seed=1&device=cpu&prompt=a+red+heart`);
await page.waitForSelector(ready);
await page.click("#generate");
await page.waitForSelector("#canvas:not([hidden])");
await page.waitForSelector(ready);
await page.evaluate(fill, COUNT);
await page.reload();
await page.waitForSelector(ready);

/** Stores the one image so many times. Runs in the page. @param {number} count */
async function fill(count) {
  const open = indexedDB.open("darkroom-page");
  await new Promise((resolve) => (open.onsuccess = resolve));
  const transaction = open.result.transaction(["pictures", "files"], "readwrite");
  const [pictures, files] = ["pictures", "files"].map((name) => transaction.objectStore(name));
  const [all, blobs] = [pictures?.getAll(), files?.getAll()];
  await new Promise((resolve) => blobs && (blobs.onsuccess = resolve));
  const [first] = all?.result ?? [];
  const [file] = blobs?.result ?? [];
  const words = ["cat", "dog", "bird", "fish", "tree", "house", "star", "boat"];
  for (let i = 1; i < count; i++) {
    const { id: _, ...record } = first;
    const kind = words[i % words.length];
    const prompt = `a photograph of a ${kind} number ${i}, by the sea, golden hour, 35 mm film`;
    record.request = { ...record.request, prompt, seed: String(i) };
    const adding = pictures?.add({ ...record, made: record.made + i });
    if (adding) adding.onsuccess = () => files?.add(file, adding.result);
  }
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  open.result.close();
}

/**
 * Does something; the longest script and whole task meanwhile, in the processor's time, so that a
 * busy machine does not count; and what a user waits, in milliseconds.
 * @param {() => Promise<unknown>} act
 */
async function traced(act) {
  await browser.startTracing(page, { categories: CATEGORIES });
  const begun = performance.now();
  await act();
  const waited = performance.now() - begun;
  return { waited, ...longest(await browser.stopTracing()) };
}

const opening = await traced(async () => {
  await page.click('[data-view="gallery"]');
  await page.waitForFunction(() => {
    const seen = [...document.querySelectorAll("#images img")].filter((one) => {
      const { top } = one.getBoundingClientRect();
      return top < innerHeight;
    });
    return (
      seen.length > 0 && seen.every((one) => /** @type {HTMLImageElement} */ (one).naturalWidth > 0)
    );
  });
});
note("open the gallery, until the images in view are drawn", opening.waited, OPEN_MAX);
note("open the gallery: longest script", opening.script, SCRIPT_MAX);
note("open the gallery: longest whole task", opening.task);

// What the browser itself measures: from a key to the frame that shows what it did.
await page.evaluate(() => {
  const slowest = { ms: 0 };
  Object.assign(globalThis, { slowest });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) slowest.ms = Math.max(slowest.ms, duration);
  }).observe(/** @type {any} */ ({ type: "event", durationThreshold: 16 }));
});
const field = page.locator("#search");
const searching = await traced(async () => {
  for (const words of ["house golden", "number 77", "zzz"]) {
    await field.fill("");
    await field.pressSequentially(words, { delay: 40 });
  }
  await field.fill("");
});
const slowest = await page.evaluate(() => /** @type {any} */ (globalThis).slowest.ms);
note("search: slowest letter, from the key to the frame, on a busy machine", slowest);
note("search: longest whole task, with the layout", searching.task, SEARCH_MAX);
note("search: longest script", searching.script, SCRIPT_MAX);

const scrolling = await traced(async () => {
  await page.mouse.move(640, 500);
  for (let last = -1; ;) {
    const more = page.locator("#more-images");
    if (await more.isVisible()) await more.click();
    await page.mouse.wheel(0, 700);
    await page.waitForTimeout(80);
    const top = await page.evaluate(() => scrollY);
    if (top === last && !(await more.isVisible())) break;
    last = top;
  }
});
note(`scroll through all ${COUNT}: longest script`, scrolling.script, SCRIPT_MAX);
note(`scroll through all ${COUNT}: longest whole task`, scrolling.task);

const selecting = await traced(async () => {
  await page.click("#select-all");
  await page.click("#select-none");
  await page.locator("#images li button").first().focus();
  for (let i = 0; i < 20; i++) await page.keyboard.press("Shift+ArrowRight");
});
note("select all, none, and twenty by Shift: longest script", selecting.script, SCRIPT_MAX);

const starring = await traced(async () => {
  await page.click("#star-some");
  await page.waitForSelector("#images .star");
});
note("mark 21 as favourites", starring.waited);
note("mark 21 as favourites: longest script", starring.script, SCRIPT_MAX);

const deleting = await traced(async () => {
  await page.click("#delete");
  await page.waitForSelector("#undo:not([hidden])");
  await page.click("#undo-act");
  await page.waitForFunction(
    (count) => document.getElementById("gallery-facts")?.textContent?.startsWith(`${count} `),
    COUNT,
  );
});
note("delete 21 and undo it", deleting.waited);
note("delete 21 and undo it: longest script", deleting.script, SCRIPT_MAX);

const viewing = await traced(async () => {
  await page.locator("#images li button").first().click();
  await page.waitForSelector("#viewer[open]");
  for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowRight");
});
note("the viewer through twenty: longest script", viewing.script, SCRIPT_MAX);
await browser.close();
await site.close();

const day = new Date().toISOString().slice(0, 10);
console.log(`${day}, ${availableParallelism()} cores, ${COUNT} images\n`);
console.log(`| | measured | at most |\n|---|---:|---:|\n${rows.join("\n")}`);
if (!good) {
  console.error("ERROR: a bound is passed.");
  process.exit(1);
}
