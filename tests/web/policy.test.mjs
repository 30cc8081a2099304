// What page and workers may ask, on a host that sends no headers: only the policy in the page's own
// text, and what the service worker forbids itself, stand between them and the rest of the world.

import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { release } from "./harness/release.mjs";
import { visit } from "./harness/site.mjs";
import { siteWith } from "./harness/storage.mjs";

/** A server on another origin that lets everyone read, and what it was asked. */
async function elsewhere(/** @type {import("node:test").TestContext} */ t) {
  /** @type {string[]} */
  const asked = [];
  const site = await serve({
    roots: [],
    instead(request, response) {
      const path = request.url ?? "";
      asked.push(path);
      const open = { "Access-Control-Allow-Origin": "*" };
      const away = /^\/to\/(.*)$/.exec(path)?.[1];
      if (away) response.writeHead(302, { ...open, Location: decodeURIComponent(away) }).end();
      else response.writeHead(200, open).end("here");
      return true;
    },
  });
  t.after(() => site.close());
  return { url: site.url, asked };
}

/** Runs in the page or in a worker: every way to ask, and whether it was refused. */
const tryAll = async (/** @type {string} */ url) => {
  /** @type {Record<string, () => any>} */
  const ways = {
    fetch: () => fetch(url),
    "fetch, no-cors": () => fetch(url, { mode: "no-cors" }),
    cache: async () => (await caches.open("x")).add(url),
    socket: () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url.replace("http", "ws"));
        socket.onopen = socket.onclose = resolve;
        socket.onerror = reject;
      }),
  };
  /** @type {Record<string, string>} */
  const results = {};
  for (const [name, way] of Object.entries(ways))
    results[name] = await Promise.resolve()
      .then(way)
      .then(
        () => "asked",
        () => "refused",
      );
  return results;
};
/** Runs there as well. */
const ask = (/** @type {string} */ url) =>
  fetch(url).then(
    (answer) => answer.text(),
    () => "refused",
  );
const WAYS = ["fetch", "fetch, no-cors", "cache", "socket"];
const REFUSED = Object.fromEntries(WAYS.map((way) => [way, "refused"]));

/**
 * The page, its two workers and its service worker, at work.
 * @returns {Promise<Pick<import("playwright-core").Worker, "evaluate">[]>}
 */
async function everyone(/** @type {import("playwright-core").Page} */ page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.getByText("Models in this browser").click();
  if (page.workers().length < 2) await page.waitForEvent("worker");
  const workers = page.workers();
  assert.equal(workers.length, 2, "the engine's and the store's");
  const service = page.context().serviceWorkers();
  assert.equal(service.length, 1);
  return [/** @type {any} */ (page), ...workers, ...service];
}

const expected = /Content Security Policy|violates|Refused|update/;

test("page, workers and service worker can ask nobody else", async (t) => {
  const other = await elsewhere(t);
  const server = { roots: [await release(t)], headers: false };
  const { page, state, site } = await visit(t, { server, expected });
  await state("ready");
  const headers = await page.evaluate(async () => [...(await fetch("./index.html")).headers]);
  assert.equal(headers.filter(([name]) => /policy/.test(name ?? "")).length, 0, "a bare host");
  for (const one of await everyone(page)) {
    const results = await one.evaluate(tryAll, `${other.url}secret`);
    assert.deepEqual(results, REFUSED);
    const own = await one.evaluate(ask, `${site.url}sw.js`);
    assert.match(own, /HOSTS/, "the site itself may be asked");
  }
  assert.deepEqual(other.asked, []);
});

test("a host that the build names may be asked, but lead nowhere else", async (t) => {
  const [named, other] = [await elsewhere(t), await elsewhere(t)];
  const built = await siteWith([named.url]);
  const server = { roots: [await release(t, built)], headers: false };
  const { page, state } = await visit(t, {
    server,
    expected: new RegExp(`${expected.source}|asked elsewhere: (${named.url}|${other.url})`),
  });
  await state("ready");
  const all = await everyone(page);
  for (const one of all) assert.equal(await one.evaluate(ask, named.url), "here");
  const away = `${named.url}to/${encodeURIComponent(other.url)}`;
  for (const one of all) assert.equal(await one.evaluate(ask, away), "refused");
  // The service worker sees where it was led only afterwards, and gives nothing on.
  t.diagnostic(`led elsewhere and refused: ${other.asked.length} of ${all.length}`);
  assert.ok(other.asked.length <= 1);
});
