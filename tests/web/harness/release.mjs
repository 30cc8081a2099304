// A built site with its list of hashes, in a folder of its own that a test may change, and what a
// browser keeps of it. A double stands in the engine's place.

import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SUMS, hashOf, sumsOf, writeSums } from "../../../scripts/sums.mjs";
import { DOUBLE, SITE } from "./site.mjs";

/** @typedef {import("playwright-core").Page} Page */

/**
 * Copies a site. The folder is deleted after the test, or after all of a file's.
 * @param {{ after: (task: () => Promise<void>) => void }} t
 * @param {string} [site]
 */
export async function release(t, site = SITE) {
  const folder = await mkdtemp(join(tmpdir(), "darkroom-release-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(site, folder, { recursive: true });
  await cp(String(DOUBLE[0]), folder, { recursive: true });
  await restate(folder);
  return folder;
}

/** Brings the lists of a site up to date with its files. @param {string} folder */
export async function restate(folder) {
  const script = join(folder, "sw.js");
  const source = await readFile(script, "utf8");
  const [line = "", json = ""] = /const FILES = (\{.*\});/.exec(source) ?? [];
  const files = JSON.parse(json);
  for (const part of [files.shell, files.model])
    for (const path of Object.keys(part).filter((path) => path !== SUMS))
      part[path] = hashOf(await readFile(join(folder, path))).slice(0, 16);
  files.shell[SUMS] = hashOf(await sumsOf(folder, ["sw.js"])).slice(0, 16);
  await writeFile(
    script,
    source.replace(line, () => `const FILES = ${JSON.stringify(files)};`),
  );
  return { tree: await writeSums(folder), files };
}

/** Makes another version of a site. @param {string} folder @param {string} version */
export async function changeVersion(folder, version) {
  const index = join(folder, "index.html");
  const source = await readFile(index, "utf8");
  await writeFile(index, source.replace(/<footer[^>]*>/, `<footer data-version="${version}">`));
  return restate(folder);
}

/** @param {Page} page @returns the version that it is of; null for the first */
export const versionOf = (page) => page.locator("footer").getAttribute("data-version");

/** Waits until a service worker serves the page. @param {Page} page */
export const installed = (page) => page.waitForFunction(() => navigator.serviceWorker.controller);

/** Looks for a new version, as the page does every hour. @param {Page} page */
export const look = (page) =>
  page.evaluate(async () => {
    await (await navigator.serviceWorker.ready).update();
  });

/** Looks for a new version and waits until the browser has it whole. @param {Page} page */
export async function fetchUpdate(page) {
  await look(page);
  await page.waitForFunction(async () => {
    const settings = await caches.open("darkroom-settings");
    return await settings.match("next-version");
  });
}
