// Model files shared through Cross-Origin Storage. No browser has it yet, so the test gives the
// page one after the proposal, on the browser's private file system: that is the browser's part.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { testModels } from "./harness/native.mjs";
import { DOUBLE, SITE, visit } from "./harness/site.mjs";
import { add, assertSame, setUp } from "./harness/storage.mjs";
import { Weights, sha256 } from "./harness/weights.mjs";

const tiny = join(await testModels(), "models/tiny");
const LABEL = "Share downloaded models with other sites";

/** Runs in the page, before its own scripts. */
function giveStorage() {
  const folder = navigator.storage.getDirectory();
  /** @type {unknown[]} */
  const asked = [];
  /** @type {(hash: { algorithm: string, value: string }, options?: object) => Promise<any>} */
  async function requestFileHandle({ algorithm, value }, options) {
    asked.push({ algorithm, value, ...options });
    if (algorithm !== "SHA-256" || !/^[0-9a-f]{64}$/.test(value)) throw new TypeError(value);
    const root = await folder;
    const create = options !== undefined;
    const handle = await root.getFileHandle(value, { create });
    if (!create) return handle;
    const createWritable = async () => {
      const writing = await handle.createWritable();
      const close = async () => {
        await writing.close();
        const bytes = await (await handle.getFile()).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
        const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        if (found === value) return;
        await root.removeEntry(value);
        throw new DOMException("other bytes than the hash says", "DataError");
      };
      return { write: (/** @type {Blob} */ bytes) => writing.write(bytes), close };
    };
    return { createWritable };
  }
  Object.assign(globalThis, { askedShared: asked, sharedFiles: folder });
  const get = () => ({ requestFileHandle });
  const how = { get, configurable: true, enumerable: true };
  Object.defineProperty(Navigator.prototype, "crossOriginStorage", how);
}

/** @typedef {Awaited<ReturnType<typeof open>>} Opened */

/** @param {import("node:test").TestContext} t @param {Weights} weights */
async function open(t, weights) {
  const app = await visit(t, {
    server: { roots: [SITE], instead: weights.answer },
    hash: "#model=models/none&device=cpu",
    device: "cpu",
    expected: /404/,
    before: giveStorage,
  });
  const { page } = app;
  await app.state("error");
  await page.evaluate(setUp);
  await add(page, weights.manifest(1 << 16));
  await page.getByText("Models in this browser").click();
  const press = (/** @type {string} */ name) =>
    page.getByRole("button", { name: `${name}: A test` }).click();
  /** What was asked of the shared storage. */
  const asked = () => page.evaluate(() => /** @type {any} */ (globalThis).askedShared);
  /** Adds the model and fetches it. */
  async function fetchIt() {
    await press("Resume");
    await page.getByText("A test is stored and verified.").waitFor();
  }
  /** Deletes the model, and adds it again. */
  async function again() {
    page.once("dialog", (dialog) => dialog.accept());
    await press("Delete");
    await page.getByText("A test is deleted.").waitFor();
    await add(page, weights.manifest(1 << 16));
    const box = page.locator("#library details").first();
    await box.locator("summary").first().click();
    await box.locator("summary").first().click();
    weights.asked.length = 0;
  }
  /** Switches it on, and opens the page again. */
  async function share() {
    await page.getByLabel(LABEL).check();
    await page.getByText("as soon as this page is opened again").waitFor();
    await page.reload();
    await app.state("error");
    await page.evaluate(setUp);
    await page.getByText("Models in this browser").click();
    assert.equal(await page.getByLabel(LABEL).isChecked(), true);
  }
  return { ...app, share, asked, fetchIt, again };
}

test("nothing is shared until the switch is on", async (t) => {
  const weights = await Weights.of(tiny);
  const { page, fetchIt, asked } = await open(t, weights);
  const box = page.getByLabel(LABEL);
  assert.equal(await box.isChecked(), false);
  assert.match((await page.locator("#sharing-hint").textContent()) ?? "", /can find out/);
  await fetchIt();
  assert.deepEqual(await asked(), []);
  // No script of the page can use it.
  const left = await page.evaluate(() => [
    /** @type {any} */ (navigator).crossOriginStorage,
    "crossOriginStorage" in Navigator.prototype,
  ]);
  assert.deepEqual(left, [null, false]);
});

test("a fetched model is shared, and taken from there without a request", async (t) => {
  const weights = await Weights.of(tiny);
  const { page, share, fetchIt, asked, again } = await open(t, weights);
  await share();
  await fetchIt();
  await page.getByText("A test is shared.").waitFor();
  const hashes = [...weights.files.values()].map(sha256);
  const written = (await asked()).filter((/** @type {any} */ one) => one.create);
  assert.deepEqual(
    written,
    hashes.map((value) => ({ algorithm: "SHA-256", value, create: true, origins: "*" })),
  );
  await again();
  await fetchIt();
  assert.deepEqual(weights.asked, [], "asked of the host");
  await assertSame(page, weights);
});

test("a shared file with other bytes than its hash says is not taken", async (t) => {
  const weights = await Weights.of(tiny);
  const { page, share, fetchIt, again } = await open(t, weights);
  await share();
  await fetchIt();
  await page.getByText("A test is shared.").waitFor();
  const [[path = "", bytes = Buffer.alloc(0)] = []] = [...weights.files].sort(
    ([, one], [, other]) => other.length - one.length,
  );
  await page.evaluate(async (value) => {
    const root = await /** @type {any} */ (globalThis).sharedFiles;
    const handle = await root.getFileHandle(value);
    const file = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    file.set([(file.at(-1) ?? 0) ^ 1], file.length - 1);
    const writing = await handle.createWritable();
    await writing.write(file);
    await writing.close();
  }, sha256(bytes));
  await again();
  await fetchIt();
  assert.ok(
    weights.asked.some((one) => one.path === path),
    "it was fetched",
  );
  await assertSame(page, weights);
  const stored = await page.evaluate(() => /** @type {any} */ (window).store.list());
  assert.deepEqual(
    stored.map((/** @type {any} */ one) => one.manifest.id),
    ["test"],
  );
});

test("without such a storage there is no switch, and nothing of it is loaded", async (t) => {
  const { page, state } = await visit(t, { server: { roots: DOUBLE } });
  await state("ready");
  await page.getByText("Models in this browser").click();
  await page.getByText("Import files").first().waitFor();
  assert.equal(await page.getByLabel(LABEL).count(), 0);
  const loaded = await page.evaluate(() => performance.getEntriesByType("resource"));
  assert.ok(loaded.some(({ name }) => name.endsWith("/views/library.js")));
  assert.ok(!loaded.some(({ name }) => /sharing/.test(name)));
});
