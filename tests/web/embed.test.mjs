// The page for frames of other sites: which sites it answers, and what. The CPU draws with the
// built-in model.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { launch } from "./harness/browser.mjs";
import { PICTURE_MS, ROOT, SITE } from "./harness/site.mjs";
import { siteWith } from "./harness/storage.mjs";

/** @typedef {import("node:test").TestContext} Test */
/** @typedef {import("../../web/embed/protocol.js").ToPage} ToPage */

const REQUEST = { prompt: "a red heart", seed: "1", steps: 2 };
const GENERATE = { darkroom: 1, call: "generate", model: "models/demo/", request: REQUEST };

/** No adapter, so that the CPU is chosen by itself. */
const browser = launch({ flags: [] });
after(async () => (await browser).close());

/** @param {Test} t */
async function newTab(t) {
  const tab = await (await browser).newPage();
  t.after(() => tab.close());
  return tab;
}

/**
 * A page of another site.
 * @param {Test} t
 * @param {() => string} [body] what is on it
 */
async function embedder(t, body = () => "") {
  const site = await serve({
    roots: [],
    headers: false,
    instead: (_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" });
      response.end(`<!doctype html><title>Shop</title><link rel="icon" href="data:," />${body()}`);
      return true;
    },
  });
  t.after(() => site.close());
  return { url: site.url, origin: new URL(site.url).origin };
}

/**
 * Opens the other site's page, with a frame that has embed.html of a built site.
 * @param {Test} t
 * @param {string} outer the other site's page
 * @param {string} root the built site
 * @param {boolean} [headers] whether it is sent with the policy in a header
 */
async function hold(t, outer, root, headers = true) {
  const site = await serve({ roots: [root], headers });
  t.after(() => site.close());
  const tab = await newTab(t);
  tab.setDefaultTimeout(PICTURE_MS);
  await tab.goto(outer);
  await tab.evaluate(async (url) => {
    /** @type {any[]} */
    const told = [];
    addEventListener("message", ({ data, origin }) => {
      const bytes = data.picture && Array.from(data.picture.png.slice(0, 8));
      told.push({ ...data, origin, ...(bytes ? { bytes } : {}) });
    });
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
    await new Promise((done) => frame.addEventListener("load", done));
    const post = (/** @type {unknown} */ message) => frame.contentWindow?.postMessage(message, "*");
    Object.assign(globalThis, { told, post });
  }, `${site.url}embed.html`);
  const post = (/** @type {unknown} */ message) =>
    tab.evaluate((message) => /** @type {any} */ (globalThis).post(message), message);
  /** All that the frame has said. @returns {Promise<any[]>} */
  const told = () => tab.evaluate(() => /** @type {any} */ (globalThis).told);
  /** Waits for such a message. @param {Record<string, unknown>} wanted */
  const hear = async (wanted) => {
    const found = await tab.waitForFunction(
      (wanted) =>
        /** @type {any} */ (globalThis).told.find((/** @type {any} */ one) =>
          Object.entries(wanted).every(([name, value]) => one[name] === value),
        ),
      wanted,
    );
    return /** @type {Promise<any>} */ (found.jsonValue());
  };
  const text = () => tab.frames()[1]?.locator("#text").textContent();
  return { tab, site, post, told, hear, text };
}

test("a page of a listed host is answered: progress, image, errors, cancel", async (t) => {
  const { url, origin } = await embedder(t);
  const built = await siteWith([origin], "--embed-host");
  const { tab, site, post, told, hear, text } = await hold(t, url, built);
  assert.equal(await text(), `Pages of ${origin} may ask for images here.`);
  assert.deepEqual(await told(), [], "it said something unasked");
  await post({ darkroom: 1, call: "hello" });
  const ready = await hear({ event: "ready" });
  assert.deepEqual(ready, { darkroom: 1, event: "ready", origin: new URL(site.url).origin });

  await post({ ...GENERATE, id: "one", options: { device: "cpu" } });
  const { picture, bytes } = await hear({ event: "picture", id: "one" });
  assert.deepEqual(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  assert.ok(picture.width > 0 && picture.width === picture.height);
  const steps = (await told()).filter(({ progress }) => progress?.event === "step");
  assert.deepEqual(
    steps.map(({ id, progress }) => `${id} ${progress.step}`),
    ["one 0", "one 1", "one 2"],
  );

  // What is wrong with a request the engine says, with the field.
  await post({ ...GENERATE, id: "two", request: { ...REQUEST, steps: 0 } });
  const { fault } = await hear({ event: "error", id: "two" });
  assert.equal(fault.kind, "request");
  assert.equal(fault.field, "steps");
  assert.match(fault.message, /steps must be/);

  await post({ ...GENERATE, id: "three", request: { ...REQUEST, steps: 500 } });
  await hear({ event: "progress", id: "three" });
  await post({ ...GENERATE, id: "four" });
  await post({ ...GENERATE, id: "three" });
  assert.match((await hear({ event: "error", id: null })).fault.message, /"three"/);
  await post({ darkroom: 1, call: "cancel", id: "four" });
  await post({ darkroom: 1, call: "cancel", id: "three" });
  for (const id of ["three", "four"]) {
    const { fault } = await hear({ event: "error", id });
    assert.equal(fault.kind, "cancelled", id);
  }
  assert.equal(tab.workers().length, 1);
});

test("messages that are none, and files of other sites, are refused by name", async (t) => {
  const { url, origin } = await embedder(t);
  const built = await siteWith([origin], "--embed-host");
  const { tab, post, told, hear } = await hold(t, url, built);
  /** @type {[string, object][]} */
  const wrong = [
    ["darkroom", { ...GENERATE, darkroom: 2 }],
    ["call", { ...GENERATE, call: "dispose" }],
    ["model", { ...GENERATE, model: `${url}models/demo/` }],
    ["model", { ...GENERATE, model: "stored:1" }],
    ["model", { ...GENERATE, model: "https://" }],
    ["model", { ...GENERATE, model: 1 }],
    ["options", { ...GENERATE, options: { unet: `${url}unet.safetensors` } }],
    ["options", { ...GENERATE, options: { device: 1 } }],
    ["options", { ...GENERATE, options: "cpu" }],
    ["request", { ...GENERATE, request: "a red heart" }],
    ["request", { ...GENERATE, request: [] }],
  ];
  for (const [at, [field, message]] of wrong.entries()) {
    await post({ ...message, id: `${at}` });
    const { fault } = await hear({ event: "error", id: `${at}` });
    assert.equal(`${fault.kind} ${fault.field}`, `request ${field}`, JSON.stringify(message));
  }
  await post({ ...GENERATE, id: 7 });
  assert.equal((await hear({ event: "error", id: null })).fault.field, "id");
  const count = (await told()).length;
  // Messages of other programs.
  for (const other of [null, "darkroom", 1, [], { type: "resize" }]) await post(other);
  await post({ darkroom: 1, call: "hello" });
  await hear({ event: "ready" });
  assert.equal((await told()).length, count + 1);
  assert.equal(tab.workers().length, 0, "nothing was begun");
});

test("as built without hosts, and for another host, it answers nobody", async (t) => {
  const { url } = await embedder(t);
  const other = await embedder(t);
  const foreign = await siteWith([other.origin], "--embed-host");
  for (const [root, words] of /** @type {const} */ ([
    [SITE, /^No other site may use this page/],
    [foreign, /^Pages of http:\/\/localhost:\d+ may ask/],
  ])) {
    // On a host that sends no headers the frame is shown, and says nothing to the page.
    const { tab, post, told, text } = await hold(t, url, root, false);
    await post({ darkroom: 1, call: "hello" });
    await post({ ...GENERATE, id: "one" });
    await tab.waitForTimeout(1000);
    assert.deepEqual(await told(), []);
    assert.equal(tab.workers().length, 0);
    assert.match((await text()) ?? "", words);
  }
});

test("by its headers it is in frames of listed hosts only, and the page in none", async (t) => {
  const { url, origin } = await embedder(t);
  const built = await siteWith([origin], "--embed-host");
  /** @type {[string, string, string][]} */
  const rows = [
    [SITE, "embed.html", "'none'"],
    [built, "embed.html", origin],
    [built, "index.html", "'none'"],
    [built, "engine/worker.js", "'none'"],
  ];
  for (const [root, path, expected] of rows) {
    const site = await serve({ roots: [root] });
    t.after(() => site.close());
    const policy = (await fetch(site.url + path)).headers.get("Content-Security-Policy") ?? "";
    assert.equal(/frame-ancestors (.*)$/.exec(policy)?.[1], expected, path);
  }
  const { tab } = await hold(t, url, SITE);
  assert.equal(await tab.frames()[1]?.locator("#text").count(), 0, "the browser shows it");
});

test("its own policy allows nothing that the page's does not", async () => {
  const directives = async (/** @type {string} */ name) => {
    const text = await readFile(join(SITE, name), "utf8");
    const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(text)?.[1] ?? "";
    return policy.split("; ").map((one) => one.split(" "));
  };
  const page = new Map((await directives("index.html")).map(([name, ...rest]) => [name, rest]));
  const own = await directives("embed.html");
  assert.ok(own.length > 5);
  for (const [name, ...sources] of own)
    assert.deepEqual(
      sources.filter((source) => !page.get(name)?.includes(source)),
      [],
      name,
    );
  // The page takes what a directive leaves out from default-src, and the others are all there.
  for (const name of ["default-src", "base-uri", "form-action", "require-trusted-types-for"])
    assert.ok(own.some(([one]) => one === name));
});

test("opened by itself, it says what it is for", async (t) => {
  const site = await serve({ roots: [SITE] });
  t.after(() => site.close());
  const tab = await newTab(t);
  await tab.goto(`${site.url}embed.html`);
  await tab.getByRole("status").filter({ hasText: "for pages of other sites" }).waitFor();
});

test("the example of the guide draws", async (t) => {
  const guide = await readFile(join(ROOT, "docs/embedding.md"), "utf8");
  const example = /```html\n(<iframe[^]*?)```/.exec(guide)?.[1] ?? "";
  const host = { origin: "" };
  const outer = await embedder(t, () =>
    example.replaceAll("https://darkroom.example", host.origin),
  );
  const site = await serve({ roots: [await siteWith([outer.origin], "--embed-host")] });
  t.after(() => site.close());
  host.origin = new URL(site.url).origin;
  const tab = await newTab(t);
  /** @type {string[]} */
  const wrong = [];
  tab.on("pageerror", (error) => wrong.push(error.message));
  await tab.goto(outer.url);
  const image = tab.getByRole("img", { name: "a red heart" });
  await image.and(tab.locator('[src^="blob:"]')).waitFor({ timeout: PICTURE_MS });
  const size = await image.evaluate(async (/** @type {HTMLImageElement} */ one) => {
    await one.decode();
    return one.naturalWidth;
  });
  assert.ok(size > 0);
  assert.deepEqual(wrong, []);
});
