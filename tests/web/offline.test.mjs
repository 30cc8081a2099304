// The installed page: without a network, and brought up to date. A double stands in the engine's
// place; the site is built as scripts/site.mjs builds it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { decodePng } from "./harness/png.mjs";
import { changeVersion, fetchUpdate, installed, release, versionOf } from "./harness/release.mjs";
import { PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";

const folder = await release({ after });
const server = { roots: [folder], prefix: "/some/where" };

test("without a network: reload, generate, export", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2", expected: /ERR_CONNECTION|update|fetch/ });
  const { page, state, make, site } = app;
  await state("ready");
  await installed(page);
  await site.close();
  await page.reload();
  await state("ready");
  const range = await page.evaluate(async () => {
    const headers = { Range: "bytes=8-15" };
    const response = await fetch("models/demo/unet/config.json", { headers });
    const whole = await (await fetch("models/demo/unet/config.json")).text();
    const { status } = response;
    return { status, same: (await response.text()) === whole.slice(8, 16) };
  });
  assert.deepEqual(range, { status: 206, same: true });
  await make({ prompt: "in a tunnel", seed: "3" });
  await page.locator('[data-view="gallery"]').click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export zip" }).click();
  assert.ok((await readFile(await (await downloading).path())).length > 10_000);
});

test("without a network the built-in model draws, and its file says what it is", async (t) => {
  const { page, state, make, site } = await visit(t, {
    device: "cpu",
    hash: "#steps=1&device=cpu",
    expected: /ERR_CONNECTION|update|fetch/,
    patience: PICTURE_MS,
  });
  await state("ready");
  await installed(page);
  await site.close();
  await page.reload();
  await state("ready");
  assertPicture(await make({ prompt: "a red heart on yellow", seed: "3" }));
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  const { texts } = decodePng(await readFile(await (await downloading).path()));
  const model = JSON.parse(texts.get("darkroom-model"));
  const unet = await readFile(join(SITE, "models/demo/unet/diffusion_pytorch_model.safetensors"));
  const sha256 = createHash("sha256").update(unet).digest("hex");
  assert.deepEqual([model.title, model.sha256], ["The built-in model", sha256]);
  assert.match(texts.get("parameters"), new RegExp(`Model hash: ${sha256.slice(0, 10)}, Model: `));
});

test("a new version waits for the run, then asks, then is used", async (t) => {
  const { page, state, type, generate } = await visit(t, { server });
  await state("ready");
  await installed(page);
  await type({ steps: "60" });
  await generate.click();
  await state("generating");
  await changeVersion(folder, "2");
  const banner = page.locator("#update");
  await fetchUpdate(page);
  // Both at one moment: the run may end, and the banner come, between two looks.
  const shown = await banner.evaluate(
    (it) => document.documentElement.dataset["state"] === "generating" && it.checkVisibility(),
  );
  assert.equal(shown, false);
  await state("ready");
  assert.equal(await page.locator("#canvas").isVisible(), true, "the run ended well");
  await banner.waitFor();
  const reloaded = page.waitForEvent("load");
  await page.getByRole("button", { name: "Use it now" }).click();
  await reloaded;
  await state("ready");
  assert.equal(await versionOf(page), "2");
});

test("the offline lock refuses other sites, and stays on after a reload", async (t) => {
  const other = await serve({ roots: [folder] });
  t.after(() => other.close());
  const file = join(folder, "sw.js");
  const hosts = `const HOSTS = ${JSON.stringify([new URL(other.url).origin])};`;
  await writeFile(file, (await readFile(file, "utf8")).replace(/const HOSTS = .*;/, hosts));
  const { page, state } = await visit(t, { server });
  await state("ready");
  await installed(page);
  await page.locator('[data-view="privacy"]').click();
  const lock = page.getByRole("switch", { name: /Offline lock/ });
  await lock.check();
  await page.reload();
  await state("ready");
  await page.locator('[data-view="privacy"]').click();
  assert.equal(await lock.isChecked(), true);
  const [worker] = page.context().serviceWorkers();
  assert.ok(worker);
  /** How the service worker answers a request to a host of weights. */
  const answer = () =>
    worker.evaluate(async (url) => {
      const { answerTo } = /** @type {any} */ (globalThis);
      const answered = answerTo(new Request(url, { mode: "no-cors" }));
      return answered ? (await answered).type : "left to the browser";
    }, other.url);
  assert.equal(await answer(), "error");
  await lock.uncheck();
  await page.waitForFunction(async () => {
    const settings = await caches.open("darkroom-settings");
    return !(await settings.match("offline-lock"));
  });
  assert.equal(await answer(), "left to the browser");
});
