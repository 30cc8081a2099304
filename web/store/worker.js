// The worker of the store: owns a wasm of its own, so that a download goes on while the engine
// draws. One tab at a time changes what is stored; the others hear of it.

import { say } from "../strings.js";
import { CHANNEL, LOCK } from "./protocol.js";

/** @typedef {import("./protocol.js").Call} Call */
/** @typedef {import("./protocol.js").Answer} Answer */
/** @typedef {import("../pkg/darkroom.js").Shelf} Shelf */

/** Calls that change what is stored, and whether they tell what goes on. */
const CHANGES = new Map([
  ["download", true],
  ["verify", true],
  ["fill", true],
  ["remove", false],
]);
/** Calls that change nothing and tell what goes on. */
const LISTENED = new Set(["plan"]);

/** @type {Promise<Shelf> | null} */
let opened = null;
/** The changes that run or wait. @type {Map<number, AbortController>} */
const stops = new Map();
const channel = new BroadcastChannel(CHANNEL);

self.addEventListener("message", (/** @type {MessageEvent<Call>} */ { data }) => {
  if (data.call === "stop") stop();
  else run(data);
});
self.addEventListener("error", (event) => answer({ crash: event.message }));
self.addEventListener("unhandledrejection", (event) => answer({ crash: String(event.reason) }));

/** Ends what runs and what waits for another tab. */
async function stop() {
  for (const controller of stops.values()) controller.abort();
  if (opened) (await opened).stop();
}

/** @param {Call} call */
async function run({ id, call, args }) {
  try {
    const shelf = /** @type {any} */ (await open());
    const value = CHANGES.has(call)
      ? await change(id, () => shelf[call](...args, ...listener(id, call, args[0])))
      : await shelf[call](...args, ...listener(id, call, args[0]));
    answer({ id, value });
    if (CHANGES.has(call)) channel.postMessage({ changed: args[0] });
  } catch (error) {
    const { kind = "other", message = String(error) } = /** @type {any} */ (error);
    // Another tab may have changed the database: the next call opens it anew.
    if (kind === "storage") opened = null;
    answer({ id, fault: { kind, message } });
  } finally {
    stops.delete(id);
  }
}

/**
 * Runs a change when no other tab makes one.
 * @param {number} id
 * @param {() => Promise<any>} job
 */
async function change(id, job) {
  const controller = new AbortController();
  stops.set(id, controller);
  const free = await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) =>
    lock ? { value: await job() } : null,
  );
  if (free) return free.value;
  answer({ id, event: { event: "elsewhere" } });
  try {
    return await navigator.locks.request(LOCK, { signal: controller.signal }, job);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw Object.assign(new Error(say.cancelled(0)), { kind: "cancelled" });
  }
}

/**
 * What hears the events of a call, as its last argument.
 * @param {number} id
 * @param {string} call
 * @param {string} model
 */
function listener(id, call, model) {
  if (LISTENED.has(call))
    return [(/** @type {import("./protocol.js").StoreEvent} */ event) => answer({ id, event })];
  if (!CHANGES.get(call)) return [];
  return [
    (/** @type {import("./protocol.js").StoreEvent} */ event) => {
      answer({ id, event });
      channel.postMessage({ model, event });
    },
  ];
}

/** The shelf, opened once; after a failure, the next call tries again. */
function open() {
  opened ??= openShelf().catch((error) => {
    opened = null;
    throw error;
  });
  return opened;
}

async function openShelf() {
  const module = await import("../pkg/darkroom.js");
  await module.default({ module_or_path: new URL("../pkg/darkroom_bg.wasm", import.meta.url) });
  const shelf = await module.Shelf.open();
  const lost = await shelf.lost();
  if (lost.length) answer({ lost });
  return shelf;
}

/** @param {Answer} message */
function answer(message) {
  self.postMessage(message);
}
