// The page's files beside the list of hashes of its release: in the caches of the service worker,
// and without one.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SUMS, hashOf } from "../../scripts/sums.mjs";
import { seriousFaults } from "./harness/axe.mjs";
import { installed, release } from "./harness/release.mjs";
import { visit } from "./harness/site.mjs";

/** Loaded only when it is needed, so that the page runs without it. */
const CHANGED = "enlarge/view.js";

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
  const folder = await release(t);
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
  const folder = await release(t);
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
