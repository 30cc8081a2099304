// The library of models in a real browser: two tabs, licences, archives, local files, and what may
// be asked.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SITE } from "./harness/site.mjs";
import { QUICK, add, assertSame, call, profile, shown, siteWith } from "./harness/storage.mjs";
import { Weights, sha256 } from "./harness/weights.mjs";

const CHUNK = 4096;
const SIZES = { "config.json": 300, "unet/model.safetensors": 90_000, "vae.safetensors": 20_000 };
/** All chunks of such a model. */
const COUNT = 1 + 22 + 5;

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

test("a second tab waits, watches, and fetches nothing twice", async (t) => {
  const weights = new Weights(SIZES);
  weights.delay = 40;
  let go = () => {};
  weights.hold = new Promise((resolve) => (go = resolve));
  const { open } = await profile(t, weights);
  const [first, second] = [await open(), await open()];
  await add(first, weights.manifest(CHUNK));
  await second.evaluate(() => {
    /** @type {any[]} */
    const heard = [];
    Object.assign(window, { heard });
    const channel = new BroadcastChannel("darkroom-weights");
    channel.onmessage = ({ data }) => heard.push(data);
  });
  const one = call(first, "download");
  while (weights.asked.length < 4) await new Promise((later) => setTimeout(later, 5));
  const two = call(second, "download");
  await second.waitForFunction(() => /** @type {any} */ (window).events.length > 0);
  go();
  assert.equal((await one).fault, null);
  const { fault, events } = await two;
  assert.equal(fault, null);
  assert.equal(events[0].event, "waiting_for_tab");
  assert.equal(weights.asked.length, COUNT);
  const heard = await second.evaluate(() => /** @type {any} */ (window).heard);
  assert.ok(heard.some((/** @type {any} */ it) => it.event?.event === "fetching"));
});

test("the library of a tab that waits shows how far the other one is", async (t) => {
  const weights = new Weights(SIZES);
  weights.delay = 100;
  let go = () => {};
  weights.hold = new Promise((resolve) => (go = resolve));
  const { open } = await profile(t, weights);
  const [first, second] = [await open(), await open()];
  await add(first, weights.manifest(CHUNK));
  for (const page of [first, second]) {
    await page.evaluate(showLibrary);
    await page.evaluate(() => {
      navigator.storage.persist = async () => Object.assign(window, { wished: true }).wished;
    });
    await page.getByText("Models in this browser").click();
    await page.getByRole("button", { name: "Resume: A test" }).click();
  }
  const status = second.getByRole("status");
  await status.filter({ hasText: "Another tab is changing the models" }).waitFor();
  /** All that it says from now on. @type {import("playwright-core").JSHandle<string[]>} */
  const said = await second.locator(".download-text").evaluateHandle((element) => {
    /** @type {string[]} */
    const said = [];
    const listen = () => said.push(element.textContent ?? "");
    new MutationObserver(listen).observe(element, { childList: true });
    return said;
  });
  go();
  for (const page of [first, second]) await page.getByText("A test is stored and ver").waitFor();
  const progress = (await said.jsonValue()).filter((text) => /B of .*B, .* MB\/s/.test(text));
  assert.ok(progress.length > 5, `${await said.jsonValue()}`);
  assert.equal(weights.asked.length, COUNT);
  const wished = await first.evaluate(() => /** @type {any} */ (window).wished);
  assert.equal(wished, true, "the browser is asked to keep it");
});

test("a licence is accepted before the first byte", async (t) => {
  const licence = "Do no harm.\n";
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  const named = { name: "Some", file: "LICENSE.txt", sha256: sha256(Buffer.from(licence)) };
  const manifest = weights.manifest(CHUNK, "chunks", { licence: named, revision: "r1" });
  await assert.rejects(add(page, manifest, "Another text.\n"), /not the licence/);
  assert.equal((await add(page, manifest, licence)).must_accept, true);
  const refused = await call(page, "download");
  assert.equal(refused.fault?.kind, "licence");
  assert.equal(weights.asked.length, 0);
  await page.evaluate(() => /** @type {any} */ (window).store.accept("test"));
  assert.equal((await call(page, "download")).fault, null);
  const { accepted } = await shown(page);
  assert.deepEqual([accepted.sha256, accepted.revision], [named.sha256, "r1"]);
  assert.match(accepted.date, /^20\d\d-/);
});

test("exported and imported again it is the same, byte for byte", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK, "none"));
  await call(page, "download");
  const [same, spoiled] = await page.evaluate(async () => {
    const { store } = /** @type {any} */ (window);
    const bytes = async (/** @type {Blob} */ blob) => new Uint8Array(await blob.arrayBuffer());
    const first = await bytes(await store.export("test"));
    const carry = async (/** @type {Uint8Array<ArrayBuffer>} */ archive) => {
      await store.remove("test");
      const file = new Blob([archive]);
      await store.identifyLocal([{ path: "a.tar", file }], [], "a");
      await store.importLocal("test", () => {});
    };
    await carry(first);
    const second = await bytes(await store.export("test"));
    const same = first.length === second.length && first.every((byte, i) => byte === second[i]);
    first[first.length - 4000] = (first[first.length - 4000] ?? 0) ^ 1;
    return [same, await carry(first).catch((error) => error.message)];
  });
  assert.equal(same, true);
  assert.match(spoiled, /not those of the publisher/);
});

test("a folder of files is imported, and matched with a known manifest", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  const files = [...weights.files].map(([path, bytes]) => ({ path, bytes: [...bytes] }));
  const manifest = weights.manifest(CHUNK);
  const [known, unknown] = await page.evaluate(async ([files, manifest]) => {
    const { store } = /** @type {any} */ (window);
    const given = files.map(({ path, bytes }) => ({
      path: `my folder/${path}`,
      file: new Blob([new Uint8Array(bytes)]),
    }));
    const model = await store.identifyLocal(given, [{ manifest, address: "" }], "my folder");
    await store.importLocal(model.manifest.id, () => {});
    const other = await store.identifyLocal(given, [], "My Folder");
    await store.importLocal(other.manifest.id, () => {});
    return [model.manifest.id, other.manifest.id];
  }, /** @type {const} */ ([files, manifest]));
  assert.deepEqual([known, unknown], ["test", "my-folder"]);
  assert.equal(weights.asked.length, 0);
  await assertSame(page, weights);
});

test("a mirror that the build allows may be asked", async (t) => {
  const [weights, mirror] = [new Weights(SIZES), new Weights(SIZES)];
  mirror.files = weights.files;
  const other = await profile(t, mirror);
  const { open } = await profile(t, weights, await siteWith([other.site.url]));
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  const options = { ...QUICK, attempts: 1, mirror: `${other.site.url}weights/` };
  const closed = await call(page, "download", options);
  assert.match(closed.fault?.message ?? "", /does not allow pages of other sites .*\(CORS\)/);
  mirror.cors = true;
  mirror.asked.length = 0;
  assert.equal((await call(page, "download", options)).fault, null);
  assert.equal(mirror.asked.length, COUNT);
  assert.equal(weights.asked.length, 0);
  await assertSame(page, weights);
});

test("the library shows the licence, verbatim, and asks for nothing before", async (t) => {
  const { open, site } = await profile(t, new Weights(SIZES));
  const page = await open();
  /** @type {string[]} */
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.evaluate(showLibrary);
  await page.getByText("Models in this browser").click();
  const fetching = page.getByRole("button", { name: "Download: Stable Diffusion v1.4" });
  await fetching.waitFor();
  assert.equal(
    await page.getByText(/have no published checksum/).count(),
    0,
    "every hash is known",
  );
  await fetching.click();
  const dialog = page.getByRole("dialog", { name: "CreativeML OpenRAIL-M" });
  const words = await dialog.locator("pre").textContent();
  const file = join(SITE, "models/stable-diffusion-v1-4/LICENSE.txt");
  assert.equal(words, await readFile(file, "utf8"));
  await dialog.getByRole("button", { name: "I do not accept" }).click();
  await dialog.waitFor({ state: "detached" });
  // It is offered as before, and no empty model stays.
  await fetching.waitFor();
  assert.equal(await shown(page), undefined);
  assert.equal(await page.getByRole("button", { name: "Delete: Stable" }).count(), 0);
  assert.deepEqual(
    asked.filter((url) => !url.startsWith(site.url) && !url.startsWith("blob:")),
    [],
  );
});
