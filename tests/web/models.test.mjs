// What the page says of stored models: before it deletes one, when the browser has lost one, in
// the row of the model that it is about; and the hashes that it remembers.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SITE, visit } from "./harness/site.mjs";
import { add, call, profile } from "./harness/storage.mjs";
import { Weights } from "./harness/weights.mjs";

const CHUNK = 4096;
const SIZES = { "config.json": 300, "unet/model.safetensors": 90_000, "vae.safetensors": 20_000 };

/** The whole page, whose engine has nothing to do. */
const NO_MODEL = { hash: "#model=models/none", expected: /404/ };

/** Runs in the page. */
async function showLibrary() {
  // @ts-ignore: a module of the page
  const { Library } = await import("./views/library.js");
  // @ts-ignore: a module of the page
  const { createPage } = await import("./state/page.js");
  new Library(document.body, createPage(), {
    onUse: () => {},
    onDownload: () => {},
    onLock: () => {},
  });
}

/**
 * A page with a stored model of which nothing was known beforehand, and its library.
 * @param {import("node:test").TestContext} t
 */
async function stored(t) {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK, "none", { repository: "a/b", revision: "r1" }));
  assert.equal((await call(page, "download")).fault, null);
  await page.evaluate(showLibrary);
  await page.getByText("Models in this browser").click();
  return page;
}

test("before a model is deleted it is said what goes and what stays", async (t) => {
  const page = await stored(t);
  /** @type {string[]} */
  const asked = [];
  let answer = false;
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    void (answer ? dialog.accept() : dialog.dismiss());
  });
  const remove = page.getByRole("button", { name: "Delete: A test" });
  await remove.click();
  await page.waitForFunction(() => /** @type {any} */ (window).store.list());
  const there = () =>
    page.evaluate(async () => (await /** @type {any} */ (window).store.list()).length);
  assert.equal(await there(), 1, "not when it is refused");
  answer = true;
  await remove.click();
  await page.getByText("A test is deleted.").waitFor();
  assert.equal(await there(), 0);
  assert.equal(asked.length, 2);
  assert.match(asked[1] ?? "", /^Delete A test from this browser\? That frees 0\.1 MB \(3 files\)/);
  assert.match(asked[1] ?? "", /The SHA-256 of 3 files, .* stays: Privacy lists it\.$/);
  const pins = await page.evaluate(() => /** @type {any} */ (window).store.pins());
  assert.equal(pins.length, 3, "as was said");
});

test("what goes on with a model is said in its row", async (t) => {
  const page = await stored(t);
  const row = page.locator('.library li[data-model="test"]');
  await page.getByRole("button", { name: "Check files: A test" }).click();
  await row.getByRole("status").filter({ hasText: "All files are intact." }).waitFor();
  page.on("dialog", (dialog) => void dialog.accept());
  await page.getByRole("button", { name: "Delete: A test" }).click();
  await row.waitFor({ state: "detached" });
  // Its row is gone: above all others then.
  const above = page.locator('p[role="status"]:has(+ .library)');
  await above.filter({ hasText: "A test is deleted." }).waitFor();
});

/** Deletes the store's database, as a browser does that finds it damaged. Runs in the page. */
const loseModels = () =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase("darkroom-weights");
    request.onsuccess = resolve;
    request.onerror = reject;
  });

test("models that the browser has lost are told when the page is opened", async (t) => {
  const page = await stored(t);
  const workers = () => page.workers().length;
  const open = async () => {
    await page.goto(new URL(`./${NO_MODEL.hash}`, page.url()).href);
    await page.locator("#fault:not([hidden])").waitFor();
  };
  const note = page.locator("#note");
  await open();
  assert.ok(await note.isHidden(), "nothing is lost");
  const engine = workers();
  await page.evaluate(loseModels);
  await page.goto("about:blank");
  await page.goBack();
  await page.locator("#fault:not([hidden])").waitFor();
  await note.filter({ hasText: "The browser has lost the stored files of A test: " }).waitFor();
  assert.equal(workers(), engine + 1, "the store is opened only where something is lost");
  await page.reload();
  await page.locator("#fault:not([hidden])").waitFor();
  assert.ok(await note.isHidden(), "told once; the library says it until it is read");
  assert.equal(workers(), engine);
});

test("models that the browser has lost are named in the library until that is read", async (t) => {
  const page = await stored(t);
  // Its library is closed first: it would hear of the loss by a read that goes on.
  await page.reload();
  await page.evaluate(loseModels);
  // Another view is the first to open the store, and hears it: the library says it all the same.
  const elsewhere = async () => {
    // @ts-ignore: a module of the page
    const { Store } = await import("./store/client.js");
    return (await new Store().list()).length;
  };
  await page.reload();
  await page.evaluate(showLibrary);
  const note = page.getByText(
    /The browser has lost the stored files of A test: .*Download or import/,
  );
  await page.getByText("Models in this browser").waitFor();
  assert.equal(await note.count(), 0);
  assert.equal(await page.evaluate(elsewhere), 0);
  await page.getByText("Models in this browser").click();
  await note.waitFor();
  await page.reload();
  await page.evaluate(showLibrary);
  await page.getByText("Models in this browser").click();
  await note.waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await note.waitFor({ state: "detached" });
  await page.reload();
  await page.evaluate(showLibrary);
  await page.getByText("Models in this browser").click();
  await page
    .getByRole("button", { name: /^Download: / })
    .first()
    .waitFor();
  assert.equal(await note.count(), 0, "once it is read, it is not said again");
});

test("remembered hashes are listed by model, and each can be forgotten", async (t) => {
  const weights = new Weights(SIZES);
  const { page, state } = await visit(t, { ...NO_MODEL, server: { instead: weights.answer } });
  await state("error");
  const manifest = weights.manifest(CHUNK, "none", { repository: "a/b", revision: "r1" });
  await page.evaluate(async (manifest) => {
    // @ts-ignore: a module of the page
    const { Store } = await import("./store/client.js");
    const store = new Store();
    await store.add({ manifest, address: new URL("weights/", document.baseURI).href });
    await store.download("test", {}, () => {});
    Object.assign(window, { store });
  }, manifest);
  await page.getByRole("button", { name: "Privacy", exact: true }).click();
  const box = page.locator("#pins-box");
  await box.getByText("Remembered file hashes").click();
  await box.getByRole("heading", { name: /^a\/b@r1, from / }).waitFor();
  assert.equal(await box.getByRole("listitem").count(), 3);
  if (process.env["SHOTS"])
    await page.screenshot({ path: `${process.env["SHOTS"]}/pins.png`, fullPage: true });
  await box.getByRole("button", { name: "Forget: a/b@r1/unet/model.safetensors" }).click();
  await box.getByText("The hash of unet/model.safetensors is forgotten.").waitFor();
  await box.getByRole("listitem").nth(2).waitFor({ state: "detached" });
  const names = await page.evaluate(async () =>
    (await /** @type {any} */ (window).store.pins()).map((/** @type {any} */ pin) => pin.name),
  );
  assert.deepEqual(names.sort(), ["a/b@r1/config.json", "a/b@r1/vae.safetensors"]);
  assert.equal(await box.getByRole("listitem").count(), 2);
  for (const name of names) await box.getByRole("button", { name: `Forget: ${name}` }).click();
  await box.getByText("None is remembered.").waitFor();
});

test("without a database the privacy view says that hashes cannot be read", async (t) => {
  const worker = await readFile(join(SITE, "store/worker.js"), "utf8");
  /** The store's worker, as in a browser that has no IndexedDB. */
  const instead = (
    /** @type {unknown} */ _,
    /** @type {import("node:http").ServerResponse} */ response,
    /** @type {string} */ path,
  ) => {
    if (path !== "/store/worker.js") return false;
    const none = `Object.defineProperty(self, "indexedDB", { value: undefined });\n`;
    response.writeHead(200, { "Content-Type": "text/javascript" }).end(none + worker);
    return true;
  };
  const before = () => Object.defineProperty(globalThis, "indexedDB", { value: undefined });
  const { page, state } = await visit(t, { ...NO_MODEL, server: { instead }, before });
  await state("error");
  await page.getByRole("button", { name: "Privacy", exact: true }).click();
  await page.locator("#pins-box summary").click();
  await page
    .locator("#pins-status")
    .filter({ hasText: /cannot be read here/ })
    .waitFor();
});
