// The store's worker: has a wasm instance of its own, so that a download goes on while the engine
// computes. The calls that download, verify, import or delete a model's bytes take a lock, so that
// only one tab at a time does that; their events are sent to the other tabs. The calls without the
// lock write records; `add` also deletes stored files that a newer manifest contradicts.

import { cancelled, postNews, serve } from "../rpc/server.js";
import { CHANNEL, LOCK } from "./protocol.js";

/** @typedef {import("./protocol.js").Calls} Calls */
/** @typedef {import("./protocol.js").StoreEvent} StoreEvent */
/** @typedef {import("../rpc/server.js").Context} Context */
/** @typedef {import("../pkg/darkroom.js").Shelf} Shelf */
/** @typedef {(context: Context, ...args: any[]) => Promise<any>} Handler */

/** @type {Promise<Shelf> | null} */
let opened = null;
/** One for each change that runs or waits. @type {Set<AbortController>} */
const stops = new Set();
const channel = new BroadcastChannel(CHANNEL);

/** A handler that calls a method of the store. @type {(call: keyof Calls) => Handler} */
const plainHandler =
  (call) =>
  (_, ...args) =>
    callStore(call, args);

/** A handler that also passes the method's events on. @type {(call: keyof Calls) => Handler} */
const eventHandler =
  (call) =>
  ({ emit }, ...args) =>
    callStore(call, [...args, emit]);

/**
 * A handler that changes what is stored: it takes the lock between tabs. Its first argument is the
 * model's id. `withEvents`: the method takes a listener, and its events go to all tabs.
 * @type {(call: keyof Calls, withEvents?: boolean) => Handler}
 */
const lockedHandler =
  (call, withEvents = true) =>
  async ({ emit }, ...args) => {
    const [model] = args;
    const listen = (/** @type {StoreEvent} */ event) => {
      emit(event);
      channel.postMessage({ model, event });
    };
    const change = () => callStore(call, withEvents ? [...args, listen] : args);
    const value = await withLock(change, () => emit({ event: "waiting_for_tab" }));
    channel.postMessage({ changed: model });
    return value;
  };

/** @type {Record<keyof Calls, Handler>} */
const CALLS = {
  list: plainHandler("list"),
  add: plainHandler("add"),
  accept: plainHandler("accept"),
  download: lockedHandler("download"),
  verify: lockedHandler("verify"),
  plan: eventHandler("plan"),
  fill: lockedHandler("fill"),
  modelHash: plainHandler("modelHash"),
  export: plainHandler("export"),
  remove: lockedHandler("remove", false),
  deletion: plainHandler("deletion"),
  pins: plainHandler("pins"),
  forgetPins: plainHandler("forgetPins"),
};
serve(CALLS, { notifications: { stop } });

/** Cancels the changes that run, and those that wait for another tab. */
async function stop() {
  for (const controller of stops) controller.abort();
  if (opened) (await opened).stop();
}

/**
 * Calls a method of the wasm's store.
 * @param {keyof Calls} call
 * @param {any[]} args
 */
async function callStore(call, args) {
  try {
    const shelf = /** @type {any} */ (await open());
    return await shelf[call](...args);
  } catch (error) {
    // Another tab may have deleted or upgraded the database: the next call opens it again.
    if (/** @type {any} */ (error).kind === "storage") opened = null;
    throw error;
  }
}

/**
 * Runs a change under the lock between tabs.
 * @param {() => Promise<any>} change
 * @param {() => void} onWait is called if another tab has the lock
 */
async function withLock(change, onWait) {
  const controller = new AbortController();
  stops.add(controller);
  let waits = false;
  try {
    const free = await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) =>
      lock ? { value: await change() } : null,
    );
    if (free) return free.value;
    waits = true;
    onWait();
    return await navigator.locks.request(LOCK, { signal: controller.signal }, change);
  } catch (error) {
    if (waits && controller.signal.aborted) throw cancelled();
    throw error;
  } finally {
    stops.delete(controller);
  }
}

/** The wasm's store, opened once. After a failure the next call tries again. */
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
  if (lost.length) postNews({ lost });
  return shelf;
}
