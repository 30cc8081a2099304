// The page's files beside the list of hashes of its release: in the caches of the service worker,
// and without one; and updates, which are used only when they are accepted. A double stands in the
// engine's place.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SUMS, hashOf, sumsOf, writeSums } from "../../scripts/sums.mjs";
import { seriousFaults } from "./harness/axe.mjs";
import { DOUBLE, SITE, visit } from "./harness/site.mjs";

const scratch = await mkdtemp(join(tmpdir(), "darkroom-proof-"));
after(() => rm(scratch, { recursive: true }));
/** Loaded only when it is needed, so that the page runs without it. */
const CHANGED = "enlarge/view.js";

/** A release of its own, which a test may change. */
async function release() {
  const folder = await mkdtemp(join(scratch, "site-"));
  await cp(SITE, folder, { recursive: true });
  await cp(String(DOUBLE[0]), folder, { recursive: true });
  await restate(folder);
  return folder;
}

/** Brings the lists of a site up to date with its files. @param {string} folder */
async function restate(folder) {
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

/** @param {import("playwright-core").Page} page */
const installed = (page) => page.waitForFunction(() => navigator.serviceWorker.controller);

/** Opens the part of the view and compares. @param {import("playwright-core").Page} page */
async function compare(page) {
  await page.locator('[data-view="privacy"]').click();
  const part = page.locator("#proof");
  if ((await part.getAttribute("open")) === null) await part.locator("summary").click();
  const button = part.getByRole("button", { name: "Compare all files" });
  await button.click();
  await button.and(page.locator(":enabled")).waitFor();
  return { part, status: (await part.getByRole("status").textContent()) ?? "" };
}

test("all files in the caches are the list's; one changed byte is named", async (t) => {
  const folder = await release();
  const { page, state } = await visit(t, { server: { roots: [folder] } });
  await state("ready");
  await installed(page);
  const { part, status } = await compare(page);
  const count = Number(/^All (\d+) files are as the list says\.$/.exec(status)?.[1]);
  assert.ok(count > 200, status);
  const list = await readFile(join(folder, SUMS), "utf8");
  await part.getByText(`the SHA-256 of the list): ${hashOf(list)}`).waitFor();
  await part.getByText("It is as the list says.").waitFor();
  assert.equal(await part.locator("tbody tr").count(), count);
  const wanted = hashOf(await readFile(join(folder, CHANGED)));
  const row = part.locator("tr", { hasText: CHANGED });
  assert.deepEqual(await row.locator("td").allTextContents(), [CHANGED, wanted, "same"]);
  assert.deepEqual(await seriousFaults(page), []);

  const changed = await page.evaluate(async (path) => {
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const { url } of await cache.keys())
        if (url.includes(path)) {
          const bytes = new Uint8Array((await (await cache.match(url))?.arrayBuffer()) ?? []);
          bytes[40] = (bytes[40] ?? 0) ^ 1;
          await cache.put(
            url,
            new Response(bytes, { headers: { "Content-Type": "text/javascript" } }),
          );
          return Array.from(bytes);
        }
    }
    return [];
  }, CHANGED);
  const again = await compare(page);
  assert.equal(again.status, `Not as the list says: ${CHANGED} (1 of ${count} files).`);
  const first = await part.locator("tbody tr").first().locator("td").allTextContents();
  const found = hashOf(Buffer.from(changed));
  assert.deepEqual(first, [CHANGED, found, `differs; the list has ${wanted}`]);
  assert.deepEqual(await seriousFaults(page), []);
});

test("without a service worker it says so, and compares what the host sends", async (t) => {
  const folder = await release();
  const file = join(folder, CHANGED);
  const bytes = await readFile(file);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  await writeFile(file, bytes);
  // An http address that browsers do not trust: neither a service worker nor its own SHA-256.
  const { page, state } = await visit(t, {
    server: { roots: [folder] },
    host: "darkroom.test",
    flags: ["--host-resolver-rules=MAP darkroom.test 127.0.0.1"],
  });
  await state("ready");
  const { part, status } = await compare(page);
  assert.match(status, new RegExp(`^Not as the list says: ${CHANGED} \\(1 of \\d+ files\\)\\.$`));
  await part.getByText("There is no service worker here").waitFor();
  const first = await part.locator("tbody tr").first().locator("td").allTextContents();
  assert.deepEqual(first.slice(0, 2), [CHANGED, hashOf(bytes)]);
});

test("an update shows what changes, and until then the old files are served", async (t) => {
  const folder = await release();
  const old = await readFile(join(folder, SUMS), "utf8");
  const { page, state } = await visit(t, { server: { roots: [folder] } });
  await state("ready");
  await installed(page);
  const index = join(folder, "index.html");
  const before = hashOf(await readFile(index));
  const source = await readFile(index, "utf8");
  await writeFile(index, source.replace("<footer>", '<footer data-version="2">'));
  const { tree } = await restate(folder);
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    await new Promise((resolve) => {
      const look = () => (registration.waiting ? resolve(null) : setTimeout(look, 20));
      look();
    });
  });
  const versionOf = () => page.locator("footer").getAttribute("data-version");
  const banner = page.locator("#update");
  await banner.waitFor();
  await banner.getByText(/^What changes: \d+ files?$/).click();
  const told = await banner.getByRole("listitem").allTextContents();
  const after = hashOf(await readFile(index));
  assert.equal(told[0], `the whole release: ${hashOf(old)} → ${tree}`);
  assert.ok(told.includes(`index.html: ${before} → ${after}`), told.join("\n"));
  await banner.getByText("are as its list says").waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  // Also after a reload.
  await page.reload();
  await state("ready");
  assert.equal(await versionOf(), null);
  await banner.waitFor();
  const reloaded = page.waitForEvent("load");
  await page.getByRole("button", { name: "Use it now" }).click();
  await reloaded;
  await state("ready");
  assert.equal(await versionOf(), "2");
  await page.waitForFunction(async () => {
    const names = await caches.keys();
    return names.filter((name) => name.startsWith("darkroom-shell-")).length === 1;
  });
  const { status } = await compare(page);
  assert.match(status, /^All \d+ files are as the list says\.$/);
});
