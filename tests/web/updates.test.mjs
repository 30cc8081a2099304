// Updates are used only when they are accepted, and a page never gets files of two versions.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SUMS, hashOf } from "../../scripts/sums.mjs";
import { seriousFaults } from "./harness/axe.mjs";
import {
  changeVersion,
  fetchUpdate,
  installed,
  look,
  release,
  restate,
  versionOf,
} from "./harness/release.mjs";
import { visit } from "./harness/site.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** A file that the page imports only when it is needed. */
const LATER = "enlarge/dialog.js";

/** Visits a release and waits until it is kept. @param {import("node:test").TestContext} t */
async function keep(t, more = {}) {
  const folder = await release(t);
  const app = await visit(t, { server: { roots: [folder] }, ...more });
  await app.state("ready");
  await installed(app.page);
  return { ...app, folder, banner: app.page.locator("#update") };
}

/** @param {Page} page */
const ready = (page) =>
  page.waitForFunction(() => document.documentElement.dataset["state"] === "ready");

/** Presses the button and waits for the new page. @param {Page} page */
async function accept(page) {
  const reloaded = page.waitForEvent("load");
  await page.getByRole("button", { name: "Use it now" }).click();
  await reloaded;
  await ready(page);
}

/** Waits until so many versions are kept. @param {Page} page @param {number} count */
const keptShells = (page, count) =>
  page.waitForFunction(async (count) => {
    const names = await caches.keys();
    return names.filter((name) => name.startsWith("darkroom-shell-")).length === count;
  }, count);

test("an update shows what changes; until it is accepted the old files are served", async (t) => {
  const { page, state, folder, banner } = await keep(t);
  const old = await readFile(join(folder, SUMS), "utf8");
  const index = join(folder, "index.html");
  const before = hashOf(await readFile(index));
  const { tree } = await changeVersion(folder, "2");
  await fetchUpdate(page);
  await banner.waitFor();
  await banner.getByText(/^What changes: \d+ files?$/).click();
  const told = await banner.getByRole("listitem").allTextContents();
  const after = hashOf(await readFile(index));
  assert.equal(told[0], `the whole release: ${hashOf(old)} → ${tree}`);
  assert.ok(told.includes(`index.html: ${before} → ${after}`), told.join("\n"));
  await banner.getByText("are as its list says").waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await page.reload();
  await state("ready");
  assert.equal(await versionOf(page), null, "after a reload");
  // Without a page the browser may start the newest service worker.
  const address = page.url();
  await page.goto("about:blank");
  await page.goto(address);
  await ready(page);
  assert.equal(await versionOf(page), null, "after all pages were closed");
  await banner.waitFor();
  await accept(page);
  assert.equal(await versionOf(page), "2");
  await keptShells(page, 1);
  await page.locator('[data-view="privacy"]').click();
  const part = page.locator("#proof");
  await part.locator("summary").click();
  await part.getByRole("button", { name: "Compare all files" }).click();
  await part.getByText(/^All \d+ files are as the list says\.$/).waitFor();
});

test("an update waits until no other page is open", async (t) => {
  const { page, folder, banner } = await keep(t);
  const opened = page.waitForEvent("popup");
  await page.evaluate(() => void window.open(location.href));
  const other = await opened;
  await ready(other);
  await changeVersion(folder, "2");
  await fetchUpdate(page);
  await banner.waitFor();
  await page.getByRole("button", { name: "Use it now" }).click();
  await banner.getByText("Darkroom is open in another tab. Close it first").waitFor();
  // Both pages still get what they have not loaded yet, of their own version.
  const bytes = await readFile(join(folder, LATER), "utf8");
  for (const one of [page, other]) {
    const served = await one.evaluate(async (path) => (await fetch(path)).text(), LATER);
    assert.equal(served, bytes);
    assert.equal(await versionOf(one), null);
  }
  await other.close();
  await accept(page);
  assert.equal(await versionOf(page), "2");
});

test("of two updates the last is offered; one that is taken back is not", async (t) => {
  const { page, folder, banner } = await keep(t);
  await changeVersion(folder, "2");
  await fetchUpdate(page);
  await banner.waitFor();
  const { tree } = await changeVersion(folder, "3");
  await look(page);
  await banner.locator("li", { hasText: tree }).waitFor({ state: "attached" });
  await keptShells(page, 2);
  await accept(page);
  assert.equal(await versionOf(page), "3");
  await changeVersion(folder, "4");
  await fetchUpdate(page);
  await banner.waitFor();
  // The third once more, byte for byte.
  await changeVersion(folder, "3");
  await look(page);
  await page.waitForFunction(async () => {
    const settings = await caches.open("darkroom-settings");
    return !(await settings.match("next-version"));
  });
  await page.getByRole("button", { name: "Use it now" }).click();
  await banner.waitFor({ state: "hidden" });
  assert.equal(await versionOf(page), "3");
});

test("a version whose files are not the list's is not kept", async (t) => {
  const { page, folder, banner } = await keep(t, { expected: /other bytes|ServiceWorker|update/ });
  await changeVersion(folder, "2");
  // Half of it is there: the page of another version.
  const index = join(folder, "index.html");
  const whole = await readFile(index, "utf8");
  await writeFile(index, whole.replace('data-version="2"', 'data-version="half"'));
  const failed = page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const ended = new Promise((resolve) => {
      registration.addEventListener("updatefound", () => {
        const { installing } = registration;
        installing?.addEventListener("statechange", () => resolve(installing.state));
      });
    });
    await registration.update();
    return ended;
  });
  assert.equal(await failed, "redundant");
  assert.equal(await banner.isVisible(), false);
  await page.reload();
  await ready(page);
  assert.equal(await versionOf(page), null);
  // When the host has all of it, it is offered.
  await writeFile(index, whole);
  await fetchUpdate(page);
  await banner.waitFor();
  await accept(page);
  assert.equal(await versionOf(page), "2");
});

/** Deletes a file from the caches, as a browser that is short of space. @param {Page} page */
const lose = (page, path = "") =>
  page.evaluate(async (path) => {
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const { url } of await cache.keys()) if (url.includes(path)) await cache.delete(url);
    }
  }, path);

/** What the page gets of a file; its status, or "failed". @param {Page} page */
const asked = (page, path = "") =>
  page.evaluate(
    (path) =>
      fetch(path)
        .then((response) => response.text())
        .catch(() => "failed"),
    path,
  );

test("a file that the browser lost comes from the host, if it has the same", async (t) => {
  const { page, folder } = await keep(t, { expected: /Failed to (load|fetch)|ERR_FAILED/ });
  await lose(page, LATER);
  const bytes = await readFile(join(folder, LATER), "utf8");
  assert.equal(await asked(page, LATER), bytes);
  // Now the host has another version.
  await lose(page, LATER);
  await writeFile(join(folder, LATER), `${bytes}\n`);
  await changeVersion(folder, "2");
  assert.equal(await asked(page, LATER), "failed", "not a file of another version");
  assert.equal(await versionOf(page), null);
  await page.reload();
  await ready(page);
  assert.equal(await versionOf(page), "2", "the page that opens next is the host's, whole");
  assert.equal(await asked(page, LATER), `${bytes}\n`);
});

test("a reload past the service worker mixes nothing", async (t) => {
  const { page, folder } = await keep(t);
  await changeVersion(folder, "2");
  const later = join(folder, LATER);
  await writeFile(later, `${await readFile(later, "utf8")}\n`);
  await restate(folder);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Page.reload", { ignoreCache: true });
  await page.waitForFunction(() => document.querySelector("footer")?.dataset["version"] === "2");
  await ready(page);
  await fetchUpdate(page);
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null);
  assert.equal(await asked(page, LATER), await readFile(later, "utf8"));
  // The next page is of the accepted version again.
  await page.reload();
  await ready(page);
  assert.equal(await versionOf(page), null);
});
