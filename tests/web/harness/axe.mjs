// What axe-core, the checker of accessibility, finds on a page.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * What it finds serious in what is seen now: the rules' names, each with the elements.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[][]>}
 */
export async function seriousFaults(page) {
  // As the browser's own tools do it: the page's rules allow no other script.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run();
    return violations
      .filter((/** @type {any} */ { impact }) => ["serious", "critical"].includes(impact))
      .map((/** @type {any} */ { id, nodes }) => [
        id,
        ...nodes.map((/** @type {any} */ { html }) => html),
      ]);
  });
}
