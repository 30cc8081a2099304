// Calls between a page and a worker: answers, events, cancel, crashes, a worker that is replaced.

import assert from "node:assert/strict";
import test from "node:test";

/** @typedef {import("../../../web/rpc/messages.js").ToWorker} ToWorker */

// Two ends of one wire in this process: the server takes `self` for its own.
const hub = new EventTarget();
/** @type {any} */ (globalThis).self = Object.assign(hub, {
  postMessage: (/** @type {any} */ message) => wire?.onmessage({ data: structuredClone(message) }),
});
/** @type {FakeWorker | null} the worker whose script is the server below */
let wire = null;

class FakeWorker {
  /** @type {(event: { data: any }) => void} */
  onmessage = () => {};
  /** @type {(event: any) => void} */
  onerror = () => {};
  terminated = false;
  /** @type {ToWorker[]} */
  got = [];
  /** @param {(worker: FakeWorker, message: any) => void} hear */
  constructor(hear) {
    this.hear = hear;
  }
  postMessage(/** @type {ToWorker} */ message) {
    this.got.push(message);
    queueMicrotask(() => this.hear(this, structuredClone(message)));
  }
  terminate() {
    this.terminated = true;
  }
}

const { Caller } = await import("../../../web/rpc/caller.js");
const { cancelled, serve, withTransfer } = await import("../../../web/rpc/server.js");

/** @type {string[]} what the server did, in order */
const done = [];
/** @type {{ [name: string]: (context: import("../../../web/rpc/server.js").Context,
 * ...args: any[]) => any }} */
const handlers = {
  add: (_, a, b) => withTransfer(a + b, []),
  quick: () => done.push("quick"),
  async slow({ emit, signal }, name) {
    done.push(`begin ${name}`);
    emit({ step: 1 });
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 30);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(cancelled());
      });
    });
    done.push(`end ${name}`);
    return name;
  },
  fail() {
    throw Object.assign(new Error("No."), { kind: "request", field: "steps" });
  },
};
serve(handlers, {
  queued: (call) => call !== "quick",
  notifications: { pause: () => done.push("pause") },
});

/** A caller whose worker is the server above. */
function served() {
  done.length = 0;
  /** @type {any} */
  const start = () =>
    (wire = new FakeWorker((_, data) => {
      hub.dispatchEvent(Object.assign(new Event("message"), { data }));
    }));
  return new Caller({ start });
}

/**
 * A caller of workers that do as they are told.
 * @param {((worker: FakeWorker, message: any) => void)[]} each what one after the other does
 */
function scripted(each) {
  /** @type {FakeWorker[]} */
  const workers = [];
  /** @type {any[]} */
  const news = [];
  /** @type {any} */
  const start = () => {
    const worker = new FakeWorker(each[workers.length] ?? (() => {}));
    workers.push(worker);
    return worker;
  };
  return { caller: new Caller({ start, onNews: (one) => news.push(one) }), workers, news };
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

test("a call is answered, has its events, and waits for those before it", async () => {
  const caller = served();
  /** @type {any[]} */
  const events = [];
  const first = caller.call("slow", ["one"], { onEvent: (event) => events.push(event) });
  const second = caller.call("slow", ["two"]);
  const quick = caller.call("quick", [], { atOnce: true });
  caller.notify("pause");
  assert.equal(await caller.call("add", [2, 3]), 5);
  assert.deepEqual(await Promise.all([first, second]), ["one", "two"]);
  await quick;
  assert.deepEqual(events, [{ step: 1 }]);
  const wanted = ["quick", "begin one", "pause", "end one", "begin two", "end two"];
  assert.deepEqual([...done].sort(), [...wanted].sort());
  assert.ok(done.indexOf("end one") < done.indexOf("begin two"));
  assert.ok(done.indexOf("quick") < done.indexOf("end one"));
});

test("a notification is heard in the words of earlier versions as well", () => {
  served();
  hub.dispatchEvent(Object.assign(new Event("message"), { data: { tell: "pause" } }));
  assert.deepEqual(done, ["pause"]);
});

test("a fault comes with its kind and its field; an unknown call is one", async () => {
  const caller = served();
  await assert.rejects(caller.call("fail", []), {
    name: "EngineError",
    kind: "request",
    field: "steps",
    message: "No.",
  });
  await assert.rejects(caller.call("nothing", []), /no call "nothing"/);
});

test("a cancel ends the call that runs, and one that waits before it begins", async () => {
  const caller = served();
  const [runs, waits] = [new AbortController(), new AbortController()];
  const first = caller.call("slow", ["one"], { signal: runs.signal });
  const second = caller.call("slow", ["two"], { signal: waits.signal });
  await soon();
  waits.abort();
  runs.abort();
  await assert.rejects(first, { kind: "cancelled" });
  await assert.rejects(second, { kind: "cancelled" });
  assert.deepEqual(done, ["begin one"]);
  assert.equal(await caller.call("slow", ["three"]), "three");
});

test("a worker that ignores a cancel is replaced, and calls that wait go on", async () => {
  const { caller, workers } = scripted([
    () => {},
    (worker, { id, call, args }) => {
      if (call === "open") worker.onmessage({ data: { id, event: "opening" } });
      worker.onmessage({ data: { id, value: [call, ...args] } });
    },
  ]);
  const stop = new AbortController();
  caller.setup = ["open", ["model"]];
  const asked = caller.call("held", [], { atOnce: true });
  const first = caller.call("generate", ["one"], { signal: stop.signal, patience: 10 });
  /** @type {any[]} */
  const events = [];
  const second = caller.call("generate", ["two"], { onEvent: (event) => events.push(event) });
  stop.abort();
  await assert.rejects(first, { kind: "cancelled" });
  assert.deepEqual(await second, ["generate", "two"]);
  assert.deepEqual(await asked, ["held"]);
  assert.deepEqual(events, ["opening"]);
  const [old, successor] = workers;
  assert.ok(old?.terminated);
  assert.deepEqual(successor?.got[0], { id: 0, call: "open", args: ["model"] });
  assert.equal(workers.length, 2);
});

test("a call that is cancelled while it waits does not cost the worker", async () => {
  const { caller, workers } = scripted([]);
  const stop = new AbortController();
  void caller.call("generate", ["one"]).catch(() => {});
  const second = caller.call("generate", ["two"], { signal: stop.signal, patience: 5 });
  stop.abort();
  await assert.rejects(second, { kind: "cancelled" });
  assert.equal(workers.length, 1);
  assert.ok(!workers[0]?.terminated);
});

test("a crash refuses what waits, and the next call has another worker", async () => {
  const { caller, workers, news } = scripted([
    (worker) => {
      worker.onmessage({ data: { news: { requests: [] } } });
      worker.onmessage({ data: { crash: "panic" } });
    },
    (worker, { id }) => worker.onmessage({ data: { id, value: 1 } }),
  ]);
  caller.setup = ["open", []];
  const crashed = [caller.call("a", []), caller.call("b", [])];
  for (const call of crashed) await assert.rejects(call, { kind: "crashed", message: /panic/ });
  assert.equal(caller.setup, null);
  assert.deepEqual(news, [{ requests: [] }]);
  assert.equal(await caller.call("c", []), 1);
  // The last words of the former one are nobody's.
  workers[0]?.onmessage({ data: { crash: "late" } });
  assert.equal(await caller.call("d", []), 1);
  assert.equal(workers.length, 2);
});

test("a worker that cannot start is told as that", async () => {
  const { caller, workers } = scripted([
    (worker) => worker.onerror({ preventDefault() {}, message: "" }),
  ]);
  await assert.rejects(caller.call("a", []), { kind: "crashed", message: /could not be started/ });
  assert.ok(workers[0]?.terminated);
});

test("an end refuses what waits with its own fault", async () => {
  const { caller, workers } = scripted([]);
  const call = caller.call("a", []);
  caller.end({ kind: "closed", message: "Closed." });
  await assert.rejects(call, { kind: "closed", message: "Closed." });
  assert.ok(workers[0]?.terminated);
});
