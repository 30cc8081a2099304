// A publisher that leads to edges all over the world, one of which fails: the model arrives whole,
// each byte verified, and what is not the publisher's is refused in a sentence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Publisher } from "./harness/publisher.mjs";
import { QUICK, add, assertSame, call, profile, shown, siteWith } from "./harness/storage.mjs";
import { Weights, randomFile, sha256 } from "./harness/weights.mjs";

const CHUNK = 4096;
const UNET = "unet/model.safetensors";
const SIZES = { "config.json": 300, [UNET]: 60_000, "vae.safetensors": 20_000 };
const EDGES = /[abc]\.edge\.localhost:\d+/;

/** A publisher, a site whose policy names it, and a page. */
async function begin(/** @type {import("node:test").TestContext} */ t) {
  const weights = new Weights(SIZES);
  const publisher = await new Publisher(weights).open(t);
  const root = await siteWith(publisher.hosts);
  const { open } = await profile(t, weights, root);
  return { weights, publisher, page: await open() };
}

/** The sentences of what was waited for. */
const waits = (/** @type {any[]} */ events) =>
  events.filter(({ event }) => event === "waiting").map(({ sentence }) => sentence);

test("one edge fails in each way: the model arrives, and the log names the edge", async (t) => {
  /** @type {[string, import("./harness/publisher.mjs").Failing, RegExp][]} */
  const ways = [
    [
      "403, invalid key",
      { status: 403, body: "SignatureError: invalid key pair id\nmore" },
      /refuses it \(403\).*b\.edge\.localhost:\d+ says: “SignatureError: invalid key pair id”/,
    ],
    [
      "403, invalid range",
      { status: 403, body: "<Error><Message>Auth failed: invalid range</Message></Error>" },
      /b\.edge\.localhost:\d+ says: “Auth failed: invalid range”/,
    ],
    ["429", { status: 429, body: "slow down", retryAfter: "0" }, /patience \(429\).*b\.edge/],
    ["206 without bytes", "empty", /broke after 0 of (4096|3616) bytes.*b\.edge/],
    ["206 with too few", "short", /broke after (2048 of 4096|1808 of 3616) bytes.*b\.edge/],
    // A browser undoes no compression of a part, and does not tell why it fails, nor which host.
    ["206 that is not gzip", "gzip", /cannot be read: .*length or compression.* hub\.localhost/],
    ["206 compressed", "gzipped", /cannot be read: .*length or compression.* hub\.localhost/],
    ["another range", "elsewhere", /another part of the file.*bytes \d+-.*b\.edge/],
  ];
  for (const [name, failing, sentence] of ways)
    await t.test(name, async (t) => {
      const { weights, publisher, page } = await begin(t);
      await add(page, publisher.manifest(CHUNK));
      publisher.failing = failing;
      const { fault, events } = await call(page, "download");
      assert.equal(fault, null);
      const told = waits(events);
      assert.ok(told.length >= 5, `${told.length} waits`);
      for (const one of told) assert.match(one, sentence);
      await assertSame(page, weights);
      // Pointers come before the first byte; what lies beside the manifest is not the publisher's.
      const first = publisher.asked.findIndex(({ edge }) => EDGES.test(`${edge}.edge.localhost:1`));
      const kinds = publisher.asked.slice(0, first).map(({ edge }) => edge);
      assert.equal(kinds.filter((kind) => kind === "raw").length, 2);
      assert.ok(!publisher.asked.some(({ path }) => path === "config.json"));
    });
});

test("wrong bytes from one edge are mended, of whichever only the whole is known", async (t) => {
  const { weights, publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK));
  publisher.failing = "flip";
  const { fault } = await call(page, "download");
  assert.equal(fault, null);
  await assertSame(page, weights);
});

test("a wrong pointer stops it before the first byte; with the right one it is had", async (t) => {
  const { weights, publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK));
  const other = "0".repeat(64);
  publisher.pointers.set(
    UNET,
    `version https://git-lfs.github.com/spec/v1\noid sha256:${other}\nsize 60000\n`,
  );
  const { fault } = await call(page, "download");
  assert.match(
    fault?.message ?? "",
    /own record says that it has 60000 bytes and the SHA-256 0{64}/,
  );
  assert.match(fault?.message ?? "", /Nothing of it was fetched/);
  assert.ok(publisher.asked.every(({ edge }) => edge === "raw"));
  publisher.pointers.clear();
  assert.equal((await call(page, "download")).fault, null);
  await assertSame(page, weights);
});

test("a file of which only the pointer tells is held against it", async (t) => {
  const { weights, publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK, "none"));
  // Nothing else is known of it: without a pointer it is not fetched.
  publisher.silent = true;
  const blind = await call(page, "download");
  assert.match(blind.fault?.message ?? "", /SHA-256 is not known here.*could not be read/);
  assert.ok(publisher.asked.every(({ edge }) => edge === "raw"));
  publisher.silent = false;
  // Every edge gives a byte that the publisher's record does not have.
  publisher.failing = "flip";
  publisher.everywhere = true;
  const wrong = await call(page, "download");
  assert.match(wrong.fault?.message ?? "", /other bytes than|not the publisher's/);
  assert.equal((await shown(page)).complete, null);
  publisher.failing = null;
  assert.equal((await call(page, "download")).fault, null);
  const { sha256: sum, pinned } = (await shown(page)).files[UNET];
  assert.deepEqual([sum, pinned], [sha256(/** @type {Buffer} */ (weights.files.get(UNET))), null]);
  await assertSame(page, weights);
});

test("where a pointer cannot be read, the known hash is enough, and it is said", async (t) => {
  const { weights, publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK));
  publisher.silent = true;
  const { fault, events } = await call(page, "download");
  assert.equal(fault, null);
  const notice = events.find(({ event }) => event === "notice");
  assert.match(notice?.text ?? "", /own record of it could not be read/);
  await assertSame(page, weights);
});

test("another model of the same sizes is refused; the right one is had afterwards", async (t) => {
  const { weights, publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK));
  const right = /** @type {Buffer} */ (weights.files.get(UNET));
  weights.files.set(UNET, randomFile(UNET, 60_000));
  // Its own pointer tells at once.
  const told = await call(page, "download");
  assert.match(told.fault?.message ?? "", /own record says/);
  // Its pointer cannot be read: its bytes tell.
  publisher.silent = true;
  const { fault } = await call(page, "download");
  assert.match(fault?.message ?? "", /gives other bytes than [0-9a-f]{64}.*this copy is not used/);
  assert.equal((await shown(page)).complete, null);
  publisher.silent = false;
  weights.files.set(UNET, right);
  assert.equal((await call(page, "download")).fault, null);
  await assertSame(page, weights);
});

test("a redirect that the policy blocks is told as that, with the host before", async (t) => {
  const { publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK));
  // Each of them is like an edge's name, and none is below it.
  for (const host of ["xedge.localhost", "edge.localhost", "a.edge.localhost.example"]) {
    publisher.away = `http://${host}:${publisher.port}/bytes/${UNET}`;
    const { fault } = await call(page, "download");
    assert.match(fault?.message ?? "", /leads to another host, which this page's policy does not/);
    assert.match(fault?.message ?? "", /hub\.localhost:\d+/);
  }
  assert.ok(publisher.asked.every(({ edge }) => edge === "raw" || edge === "resolve"));
});

test("edges may name one version in their own ways", async (t) => {
  for (const known of /** @type {const} */ (["files", "chunks"])) {
    const { weights, publisher, page } = await begin(t);
    let count = 0;
    publisher.etag = (_, sum) => (count++ % 2 ? `W/"${sum}"` : `"other ${sum}"`);
    await add(page, publisher.manifest(CHUNK, known));
    assert.equal((await call(page, "download")).fault, null);
    await assertSame(page, weights);
  }
});

test("when the first base keeps failing, the second is asked", async (t) => {
  const { weights, publisher, page } = await begin(t);
  const spare = await new Publisher(weights).open(t);
  const root = await siteWith([...publisher.hosts, ...spare.hosts]);
  const { open } = await profile(t, weights, root);
  await page.close();
  const other = await open();
  const hosts = [...publisher.hosts, ...spare.hosts];
  await add(
    other,
    publisher.manifest(CHUNK, "files", { hosts, mirrors: [`${spare.url}resolve/`] }),
  );
  publisher.failing = { status: 403, body: "SignatureError" };
  publisher.everywhere = true;
  const { fault, events } = await call(other, "download");
  assert.equal(fault, null);
  const notice = events.find(({ event }) => event === "notice");
  assert.match(notice?.text ?? "", /SignatureError.*Another address is tried/);
  assert.ok(spare.asked.length > 15);
  await assertSame(other, weights);
});

test("an edge that trickles is given up, and no wish for patience is endless", async (t) => {
  const { weights, publisher, page } = await begin(t);
  await add(page, publisher.manifest(CHUNK));
  publisher.failing = "trickle";
  const { fault, events } = await call(page, "download", { ...QUICK, stall_ms: 1500 });
  assert.equal(fault, null);
  assert.match(waits(events)[0] ?? "", /sent only \d+ bytes in [\d.]+ seconds.*b\.edge/);
  await assertSame(page, weights);

  for (const retryAfter of ["99999999", "inf", "1e300"]) {
    const { publisher, page } = await begin(t);
    await add(page, publisher.manifest(CHUNK));
    publisher.failing = { status: 429, body: "", retryAfter };
    publisher.everywhere = true;
    const running = call(page, "download");
    const seconds = await page.waitForFunction(
      () =>
        /** @type {any} */ (window).events.find((/** @type {any} */ one) => one.event === "waiting")
          ?.seconds,
      { timeout: 30_000 },
    );
    assert.ok(Number(await seconds.jsonValue()) <= 301, retryAfter);
    await page.evaluate(() => /** @type {any} */ (window).store.stop());
    await running;
  }
});
