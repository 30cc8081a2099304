// The home of weights in a real browser, against a server that misbehaves on command: nothing that
// is stored is fetched twice, nothing that is wrong is stored, and every fault is a sentence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { QUICK, add, assertSame, behind, call, profile, shown } from "./harness/storage.mjs";
import { Weights, sha256 } from "./harness/weights.mjs";

const CHUNK = 4096;
const SIZES = { "config.json": 300, "unet/model.safetensors": 90_000, "vae.safetensors": 20_000 };
/** All chunks of such a model. */
const COUNT = 1 + 22 + 5;

test("a model is fetched, several chunks at once, and only once", async (t) => {
  const weights = new Weights(SIZES);
  weights.delay = 10;
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  const { fault, events } = await call(page, "download");
  assert.equal(fault, null);
  assert.equal(weights.asked.length, COUNT);
  assert.ok(weights.most > 1 && weights.most <= 4, `${weights.most} at once`);
  const last = events.filter(({ event }) => event === "fetching").at(-1);
  assert.equal(last.bytes_done, last.bytes_total);
  assert.equal(last.bytes_total, 110_300);
  assert.ok(last.bytes_per_second > 0);
  assert.equal(await behind(page, "kind", ["unet/model.safetensors", 3]), "Blob");
  const model = await shown(page);
  assert.ok(model.complete);
  assert.equal(model.chunks_stored, COUNT);
  await assertSame(page, weights);
  await call(page, "download");
  assert.equal(weights.asked.length, COUNT, "a whole model is not asked for again");

  await call(page, "remove");
  assert.deepEqual(await behind(page, "keys"), []);
});

/** Holds the table of chunks in a page: nobody else's transaction begins until `go` is called. */
function holdChunks() {
  const opened = indexedDB.open("darkroom-weights");
  return new Promise((begun) => {
    opened.onsuccess = () => {
      const db = opened.result;
      const table = db.transaction("chunks", "readwrite").objectStore("chunks");
      let held = true;
      const look = () => {
        begun(null);
        if (held) table.get("nothing").onsuccess = look;
        else db.close();
      };
      /** @type {any} */ (window).releases.push(() => (held = false));
      table.get("nothing").onsuccess = look;
    };
  });
}

test("a chunk that arrives while another one tries the database is stored as well", async (t) => {
  const weights = new Weights(SIZES);
  /** @type {(() => void)[]} */
  const answers = [];
  Object.assign(weights, { hold: { then: (/** @type {() => void} */ act) => answers.push(act) } });
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  await page.evaluate(() => Object.assign(window, { releases: [] }));
  const release = () => page.evaluate(() => /** @type {any} */ (window).releases.shift()());
  const soon = () => new Promise((later) => setTimeout(later, 300));
  const download = call(page, "download");
  while (answers.length < 4) await soon();
  // The first chunk's trial is written, and waits to be read, when the second one's is written.
  await page.evaluate(holdChunks);
  answers.shift()?.();
  await soon();
  const held = page.evaluate(holdChunks);
  await soon();
  await release();
  await held;
  await soon();
  answers.shift()?.();
  await soon();
  await release();
  Object.assign(weights, { hold: Promise.resolve() });
  for (const answer of answers) answer();
  assert.equal((await download).fault, null);
  const kinds = Array.from({ length: 22 }, (_, i) =>
    behind(page, "kind", ["unet/model.safetensors", i]),
  );
  assert.deepEqual(new Set(await Promise.all(kinds)), new Set(["Blob"]));
  const keys = await behind(page, "keys");
  assert.equal(keys.length, COUNT, "and no trial is left");
});

for (const known of /** @type {const} */ (["chunks", "files"]))
  test(`killed twenty times at random, it fetches nothing twice: hashes of ${known}`, async (t) => {
    const weights = new Weights({ "a.safetensors": 800_000, "b.json": 100 });
    weights.delay = 15;
    const { open, context } = await profile(t, weights);
    let kills = 0;
    for (;;) {
      const page = await open();
      await add(page, weights.manifest(CHUNK, known));
      const stored = new Set((await behind(page, "keys")).map((/** @type {any} */ k) => k.join()));
      const before = weights.asked.length;
      const done = call(page, "download", { ...QUICK, in_flight: 2 }).catch(() => null);
      const alive = kills < 20;
      if (alive) {
        const wanted = before + 1 + Math.floor(Math.random() * 7);
        while (weights.asked.length < wanted) await new Promise((go) => setTimeout(go, 3));
        await new Promise((go) => setTimeout(go, Math.random() * 20));
        // However long the kill takes: no more is answered.
        weights.hold = new Promise(() => {});
        if (kills++ % 2) {
          const session = await context.newCDPSession(page);
          session.send("Page.crash").catch(() => {});
          await page.waitForEvent("crash");
        }
        await page.close();
        weights.hold = Promise.resolve();
      }
      const ended = await done;
      for (const { path, start } of weights.asked.slice(before))
        assert.ok(!stored.has(["test", path, start / CHUNK].join()), `${path} at ${start} again`);
      if (alive) {
        assert.ok(ended === null, "the download was over before it was killed");
        continue;
      }
      assert.equal(ended?.fault, null);
      await assertSame(page, weights);
      t.diagnostic(`${kills} kills, ${weights.asked.length} requests for 197 chunks`);
      return;
    }
  });

test("a pause keeps what is there, and resuming goes on", async (t) => {
  const weights = new Weights(SIZES);
  weights.delay = 40;
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  const running = call(page, "download");
  while (weights.asked.length < 10) await new Promise((go) => setTimeout(go, 5));
  // What is asked from now on gets no answer: the pause comes before the end.
  weights.hold = new Promise(() => {});
  await page.evaluate(() => /** @type {any} */ (window).store.stop());
  assert.equal((await running).fault?.kind, "cancelled");
  const { chunks_stored: kept } = await shown(page);
  assert.ok(kept > 0 && kept < COUNT, `${kept} kept`);
  weights.hold = Promise.resolve();
  const before = weights.asked.length;
  assert.equal((await call(page, "download")).fault, null);
  assert.equal(weights.asked.length - before, COUNT - kept);
  await assertSame(page, weights);
});

test("faults that pass are told and outlived", async (t) => {
  /** @type {[import("./harness/weights.mjs").Fault, RegExp, object?][]} */
  const passing = [
    ["drop", /connection broke/],
    ["truncate", /connection broke after \d+ of 4096 bytes/],
    ["flip", /not the publisher's/],
    ["stall", /sent nothing for 2 seconds/, { stall_ms: 2000 }],
    ["gone", /cannot be reached/],
    [500, /failed \(500\)/],
    [429, /busy and asks for patience \(429\)/, { retryAfter: 1 }],
  ];
  for (const [fault, sentence, how] of passing) {
    await t.test(String(fault), async (t) => {
      const weights = new Weights(SIZES);
      const { open } = await profile(t, weights);
      const page = await open();
      await add(page, weights.manifest(CHUNK));
      // A host that is gone is asked once more, to see whether it is there at all.
      weights.fail(fault, { path: "unet/", times: 2, ...how });
      /** @type {{ stall_ms?: number, retryAfter?: number }} */
      const { stall_ms = QUICK.stall_ms, retryAfter = 0 } = how ?? {};
      const { fault: ended, events } = await call(page, "download", { ...QUICK, stall_ms });
      assert.equal(ended, null);
      const waits = events.filter(({ event }) => event === "waiting");
      assert.match(waits[0]?.sentence ?? "", sentence);
      assert.ok(waits[0].seconds >= retryAfter, "the server's own wait");
      assert.ok(weights.asked.length <= COUNT + 2, `${weights.asked.length} requests`);
      await assertSame(page, weights);
    });
  }
});

test("a server that ignores ranges is read as one stream", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  weights.fail("whole", { times: Infinity });
  assert.equal((await call(page, "download")).fault, null);
  // Every hand may have asked before the first answer came.
  assert.ok(weights.asked.length <= 1 + 2 * 4, `${weights.asked.length} requests`);
  await assertSame(page, weights);
});

test("a redirect on the same host is followed", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  weights.fail("redirect", { path: "vae", times: 3 });
  assert.equal((await call(page, "download")).fault, null);
  await assertSame(page, weights);
});

test("faults that stay end with a sentence, and what is stored is kept", async (t) => {
  for (const [fault, sentence] of /** @type {const} */ ([
    [404, /vae.safetensors could not be fetched.*does not have it \(404\)/],
    [403, /refuses it \(403\).*login/],
    ["page", /web page in its place/],
    ["longer", /not the file it was \(it has 20001 bytes instead of 20000\)/],
    ["flip", /not the publisher's/],
    ["gone", /cannot be reached/],
    ["away", /leads to another host, which this page's policy does not allow.*localhost/],
    [500, /failed \(500\)/],
  ])) {
    await t.test(String(fault), async (t) => {
      const weights = new Weights(SIZES);
      const { open } = await profile(t, weights);
      const page = await open();
      await add(page, weights.manifest(CHUNK));
      weights.fail(fault, { path: "vae", times: Infinity });
      const { fault: ended } = await call(page, "download");
      assert.equal(ended?.kind, "fetch");
      assert.match(ended?.message ?? "", sentence);
      assert.match(ended?.message ?? "", /What has been stored is kept/);
      const { chunks_stored: kept, complete } = await shown(page);
      assert.equal(complete, null);
      assert.equal(weights.strays, 0, "no other host is asked");
      assert.ok(kept >= COUNT - 5 - 4, `${kept} kept`);
      weights.faults.length = 0;
      assert.equal((await call(page, "download")).fault, null);
      await assertSame(page, weights);
    });
  }
});

test("where only a file's hash is known, a flipped bit is found and mended", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK, "files"));
  weights.fail("flip", { path: "unet/" });
  const { fault, events } = await call(page, "download");
  assert.equal(fault, null);
  assert.equal(events.filter(({ event }) => event === "healed").length, 1);
  await assertSame(page, weights);
});

test("the first download is pinned, and a changed file refused", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  const manifest = weights.manifest(CHUNK, "none");
  await add(page, manifest);
  // While it is fetched, another version appears.
  weights.fail("changed", { path: "vae", times: 1 });
  weights.fail("changed", { path: "vae", times: 0 });
  const { fault } = await call(page, "download", { ...QUICK, in_flight: 1 });
  assert.match(fault?.message ?? "", /another version/);
  await call(page, "remove");
  await add(page, manifest);
  assert.equal((await call(page, "download")).fault, null);
  const state = (await shown(page)).files["vae.safetensors"];
  assert.equal(state.sha256, sha256(/** @type {Buffer} */ (weights.files.get("vae.safetensors"))));
  assert.match(state.pinned, /^20\d\d-/);

  // Deleted and fetched again, it must be the same; and is not.
  await call(page, "remove");
  await add(page, manifest);
  weights.files.get("vae.safetensors")?.fill(7, 5000, 5001);
  const again = await call(page, "download");
  assert.match(again.fault?.message ?? "", /other bytes than .*replaced/);
  assert.equal((await shown(page)).complete, null);
});

test("a stored chunk that was spoiled or lost is fetched again, alone", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK, "none"));
  assert.equal((await call(page, "download")).fault, null);
  await behind(page, "spoil", ["unet/model.safetensors", 3]);
  await behind(page, "delete", ["unet/model.safetensors", 9]);
  const before = weights.asked.length;
  const { fault, value } = await call(page, "verify");
  assert.equal(fault, null);
  assert.equal(value, 2);
  assert.deepEqual(
    weights.asked.slice(before).map(({ start }) => start / CHUNK),
    [3, 9],
  );
  await assertSame(page, weights);
});

test("a full storage is a choice, and no chunk is lost", async (t) => {
  const weights = new Weights({ "a.safetensors": 3_000_000 });
  const { open, context, site } = await profile(t, weights);
  const page = await open();
  const origin = new URL(site.url).origin;
  const session = await context.newCDPSession(page);
  // Before the first write: the browser remembers for a while how much room there was.
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_500_000 });
  await add(page, weights.manifest(1 << 18));
  const { fault } = await call(page, "download");
  assert.equal(fault?.kind, "storage_full");
  assert.match(fault?.message ?? "", /storage is full.*free some space.*smaller model.*without/);
  const { chunks_stored: kept } = await shown(page);
  const before = weights.asked.length;
  assert.ok(before <= kept + 4, "no loop");
  await session.send("Storage.overrideQuotaForOrigin", { origin });
  assert.equal((await call(page, "download")).fault, null);
  assert.equal(weights.asked.length - before, 12 - kept);
  await assertSame(page, weights);
});

test("where blobs cannot be kept, bytes are kept as buffers", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  // As in private windows of some browsers.
  await page.workers()[0]?.evaluate(() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (value, key) {
      if (value instanceof Blob) throw new DOMException("No blobs here", "DataCloneError");
      return put.call(this, value, key);
    };
  });
  assert.equal((await call(page, "download")).fault, null);
  assert.equal(await behind(page, "kind", ["unet/model.safetensors", 3]), "ArrayBuffer");
  await behind(page, "spoil", ["unet/model.safetensors", 3]);
  const { fault, value } = await call(page, "verify");
  assert.deepEqual([fault, value], [null, 1]);
  await assertSame(page, weights);
});

test("a server's error message is not pinned, and a pin can be given up", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK, "none"));
  const right = /** @type {Buffer} */ (weights.files.get("config.json"));
  for (const wrong of [`{"error":"${"x".repeat(288)}"}`, "<".repeat(300)]) {
    assert.equal(wrong.length, 300);
    weights.files.set("config.json", Buffer.from(wrong));
    const { fault } = await call(page, "download");
    assert.match(fault?.message ?? "", /config.json.*something else: it is/);
  }
  weights.files.set("config.json", right);
  assert.equal((await call(page, "download")).fault, null);
  await assertSame(page, weights);

  const said = await page.evaluate(() => /** @type {any} */ (window).store.deletion("test"));
  assert.equal(said.title, "A test");
  assert.equal(said.bytes, 110_300);
  assert.deepEqual(said.pins.length, 3);
  await call(page, "remove");
  await page.evaluate(async () => {
    const { store } = /** @type {any} */ (window);
    await store.forgetPins((await store.pins()).map((/** @type {any} */ pin) => pin.name));
  });
  const other = new Weights(SIZES);
  weights.files = other.files;
  await add(page, weights.manifest(CHUNK, "none"));
  assert.equal((await call(page, "download")).fault, null);
  await assertSame(page, weights);
});
