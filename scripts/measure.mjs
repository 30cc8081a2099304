// Figures of a first visit and of a run, in a real browser on this machine: what is fetched, how
// soon the page can be used, the first picture, and the main thread's longest task.
//   node scripts/measure.mjs        after scripts/build

import { join } from "node:path";
import { launch } from "../tests/web/harness/browser.mjs";
import { serve } from "./serve.mjs";

const site = await serve({ roots: [join(import.meta.dirname, "../dist")] });
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(600_000);
await page.addInitScript(() => {
  const found = /** @type {any} */ (globalThis);
  found.tasks = [];
  new PerformanceObserver((list) => {
    for (const { duration, startTime } of list.getEntries())
      found.tasks.push([startTime, duration]);
  }).observe({ type: "longtask", buffered: true });
});

/** Milliseconds since the visit began. */
const now = () => page.evaluate(() => performance.now());
/** @param {number} since */
const longest = (since) =>
  page.evaluate((from) => {
    const tasks = /** @type {[number, number][]} */ (/** @type {any} */ (globalThis).tasks);
    return Math.max(0, ...tasks.filter(([start]) => start >= from).map(([, length]) => length));
  }, since);
/** @param {string} what @param {string} value */
const print = (what, value) => console.log(`${what.padEnd(46)} ${value}`);

await page.goto(`${site.url}#steps=20&seed=1`);
await page.waitForFunction(() => document.querySelector("#examples button"));
print("form can be used after", `${Math.round(await now())} ms`);
await page.waitForSelector('html:is([data-state="ready"], [data-state="error"])');
print("built-in model is open after", `${Math.round(await now())} ms`);
const begun = await now();
await page.click("#generate");
await page.waitForSelector('html[data-state="generating"]');
await page.waitForSelector('html:is([data-state="ready"], [data-state="error"])');
print("first picture, 20 steps, takes", `${Math.round((await now()) - begun)} ms`);
print("longest task of the page while it opens", `${Math.round(await longest(0))} ms`);
print("longest task of the page during the run", `${Math.round(await longest(begun))} ms`);
print("(tasks below 50 ms are not counted", "by browsers and show as 0)");
await browser.close();
await site.close();
