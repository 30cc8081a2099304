// Pages that do nothing but use the store, and what the tests look at behind its back.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { serve } from "../../../scripts/serve.mjs";
import { launch, launchKept } from "./browser.mjs";
import { SITE } from "./site.mjs";
import { sha256 } from "./weights.mjs";

const scratch = await mkdtemp(join(tmpdir(), "darkroom-store-"));
after(() => rm(scratch, { recursive: true }));

/**
 * A folder with a page of the site's policy and none of its scripts.
 * @param {string} site
 */
async function plainPage(site) {
  const folder = await mkdtemp(join(scratch, "page-"));
  const index = await readFile(join(site, "index.html"), "utf8");
  const policy = /<meta\s+http-equiv="Content-Security-Policy"[^>]*>/.exec(index)?.[0];
  const page =
    `<!doctype html><meta charset="utf-8">${policy}<title>Store</title>` +
    `<link rel="icon" href="data:,">`;
  await writeFile(join(folder, "store.html"), page);
  return folder;
}

/**
 * The site once more, with other hosts allowed.
 * @param {string[]} hosts
 * @param {"--weights-host" | "--embed-host"} [option] what they are allowed
 */
export async function siteWith(hosts, option = "--weights-host") {
  const out = await mkdtemp(join(scratch, "site-"));
  const words = hosts.flatMap((host) => [option, host]);
  const program = join(import.meta.dirname, "../../../scripts/site.mjs");
  await promisify(execFile)(process.execPath, [program, "--out", out, ...words]);
  return out;
}

const browser = launch({ flags: ["--disable-gpu"] });
after(async () => (await browser).close());

/** Short waits: tests have no time. */
export const QUICK = { backoff_ms: 20, backoff_max_ms: 100, stall_ms: 20_000, attempts: 4 };

/**
 * A browser profile and a server, both new.
 * @param {import("node:test").TestContext} t
 * @param {import("./weights.mjs").Weights} weights
 * @param {string} [root] the site's folder
 */
export async function profile(t, weights, root = SITE) {
  const site = await serve({ roots: [await plainPage(root), root], instead: weights.answer });
  t.after(() => site.close());
  const openIn = opener(site);
  const context = await (await browser).newContext();
  t.after(() => context.close());
  return { context, site, open: () => openIn(context) };
}

/**
 * Opens a page with a store.
 * @param {{ url: string }} site
 */
const opener =
  (site) => async (/** @type {import("playwright-core").BrowserContext} */ context) => {
    const page = await context.newPage();
    await page.goto(`${site.url}store.html`);
    await page.evaluate(setUp);
    return page;
  };

/**
 * A server and a profile on the disk: `visit` starts the browser with it, calls `act` with a page,
 * and ends the browser.
 * @param {import("node:test").TestContext} t
 * @param {import("./weights.mjs").Weights} weights
 */
export async function keptProfile(t, weights) {
  const folder = await mkdtemp(join(scratch, "kept-"));
  const site = await serve({ roots: [await plainPage(SITE), SITE], instead: weights.answer });
  t.after(() => site.close());
  const openIn = opener(site);
  /** @type {(act: (page: Page) => Promise<void>) => Promise<void>} */
  async function visit(act) {
    const context = await launchKept(folder);
    try {
      await act(await openIn(context));
    } finally {
      await context.close();
    }
  }
  return { folder, site, visit };
}

/** @typedef {import("playwright-core").Page} Page */

/** Runs in the page. */
export async function setUp() {
  // @ts-ignore: a module of the page
  const { Store } = await import("./store/client.js");
  const store = new Store();
  /** @type {any[]} */
  const events = [];
  Object.assign(window, { store, events });
}

/**
 * Puts a model in the library.
 * @param {Page} page
 * @param {string} manifest
 * @param {string} [licence]
 */
export const add = (page, manifest, licence) =>
  page.evaluate(
    ([manifest, licence]) =>
      /** @type {any} */ (window).store.add({
        manifest,
        address: new URL("weights/", document.baseURI).href,
        licence_text: licence ?? undefined,
      }),
    [manifest, licence ?? null],
  );

/**
 * Calls a method of the store with an id; its fault, or null, and its value and events.
 * @param {Page} page
 * @param {"download" | "verify" | "remove"} method
 * @param {object} [options]
 * @returns {Promise<{ fault: { kind: string, message: string } | null, value: any,
 *   events: any[] }>}
 */
export const call = (page, method, options = QUICK) =>
  page.evaluate(async ([method, options]) => {
    const { store, events } = /** @type {any} */ (window);
    events.length = 0;
    const listen = (/** @type {any} */ event) => events.push(event);
    try {
      const value = await store[method]("test", options, listen);
      return { fault: null, value, events };
    } catch (error) {
      const { kind, message } = /** @type {any} */ (error);
      return { fault: { kind, message }, value: null, events };
    }
  }, /** @type {const} */ ([method, options]));

/**
 * What the library says of the model.
 * @param {Page} page
 */
export const shown = async (page) =>
  (await page.evaluate(() => /** @type {any} */ (window).store.list()))[0];

/**
 * Changes or reads the database behind the store's back.
 * @param {Page} page
 * @param {"keys" | "delete" | "spoil" | "read" | "kind"} what
 * @param {[string, number]} [place] path and number of a chunk
 * @returns {Promise<any>}
 */
export const behind = (page, what, place = ["", 0]) =>
  page.evaluate(async ([what, [path, number]]) => {
    const promise = (/** @type {IDBRequest} */ request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const db = await promise(indexedDB.open("darkroom-weights"));
    const chunks = () => db.transaction("chunks", "readwrite").objectStore("chunks");
    const key = ["test", path, number];
    try {
      if (what === "keys") return await promise(chunks().getAllKeys());
      if (what === "delete") return await promise(chunks().delete(key));
      const blob = await promise(chunks().get(key));
      if (what === "kind") return blob.constructor.name;
      const bytes = new Uint8Array(await new Response(blob).arrayBuffer());
      if (what === "read") return Array.from(bytes);
      bytes[7] = (bytes[7] ?? 0) ^ 1;
      return await promise(chunks().put(new Blob([bytes]), key));
    } finally {
      db.close();
    }
  }, /** @type {const} */ ([what, place]));

/**
 * Fails unless the stored bytes are the source's.
 * @param {Page} page
 * @param {import("./weights.mjs").Weights} weights
 */
export async function assertSame(page, weights) {
  const base64 = await page.evaluate(async () => {
    const reader = new FileReader();
    reader.readAsDataURL(await /** @type {any} */ (window).store.export("test"));
    await new Promise((done) => reader.addEventListener("loadend", done));
    return String(reader.result).replace(/^.*,/, "");
  });
  const archive = Buffer.from(base64, "base64");
  for (const [path, bytes] of weights.files) {
    let at = 0;
    while (archive.toString("latin1", at, at + path.length + 1) !== `${path}\0`) {
      const size = parseInt(archive.toString("latin1", at + 124, at + 135), 8);
      at += 512 + Math.ceil(size / 512) * 512;
      assert.ok(at < archive.length, `${path} is in the archive`);
    }
    const stored = archive.subarray(at + 512, at + 512 + bytes.length);
    assert.equal(sha256(stored), sha256(bytes), path);
  }
}
