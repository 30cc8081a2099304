// The worker of the store: owns a wasm of its own, so that a download goes on while the engine
// draws. One tab at a time changes what is stored; the others hear of it.

import { cancelled, serve, tellNews } from "../rpc/server.js";
import { CHANNEL, LOCK } from "./protocol.js";

/** @typedef {import("./protocol.js").Calls} Calls */
/** @typedef {import("./protocol.js").StoreEvent} StoreEvent */
/** @typedef {import("../rpc/server.js").Context} Context */
/** @typedef {import("../pkg/darkroom.js").Shelf} Shelf */
/** @typedef {(context: Context, ...args: any[]) => Promise<any>} Handler */

/** @type {Promise<Shelf> | null} */
let opened = null;
/** The changes that run or wait. @type {Set<AbortController>} */
const stops = new Set();
const channel = new BroadcastChannel(CHANNEL);

/** A method of the shelf that changes nothing. @type {(call: keyof Calls) => Handler} */
const reads =
  (call) =>
  (_, ...args) =>
    ask(call, args);

/** One that tells what goes on. @type {(call: keyof Calls) => Handler} */
const tells =
  (call) =>
  ({ emit }, ...args) =>
    ask(call, [...args, emit]);

/**
 * One that changes what is stored, of the model that its first argument names.
 * @type {(call: keyof Calls, told?: boolean) => Handler}
 */
const changes =
  (call, told = true) =>
  async ({ emit }, ...args) => {
    const [model] = args;
    const listen = (/** @type {StoreEvent} */ event) => {
      emit(event);
      channel.postMessage({ model, event });
    };
    const job = () => ask(call, told ? [...args, listen] : args);
    const value = await alone(job, () => emit({ event: "elsewhere" }));
    channel.postMessage({ changed: model });
    return value;
  };

/** @type {Record<keyof Calls, Handler>} */
const CALLS = {
  list: reads("list"),
  add: reads("add"),
  accept: reads("accept"),
  download: changes("download"),
  verify: changes("verify"),
  plan: tells("plan"),
  fill: changes("fill"),
  export: reads("export"),
  remove: changes("remove", false),
  deletion: reads("deletion"),
  pins: reads("pins"),
  forgetPins: reads("forgetPins"),
};
serve(CALLS, { words: { stop } });

/** Ends what runs and what waits for another tab. */
async function stop() {
  for (const controller of stops) controller.abort();
  if (opened) (await opened).stop();
}

/**
 * @param {keyof Calls} call
 * @param {any[]} args
 */
async function ask(call, args) {
  try {
    const shelf = /** @type {any} */ (await open());
    return await shelf[call](...args);
  } catch (error) {
    // Another tab may have changed the database: the next call opens it anew.
    if (/** @type {any} */ (error).kind === "storage") opened = null;
    throw error;
  }
}

/**
 * Runs a change when no other tab makes one.
 * @param {() => Promise<any>} job
 * @param {() => void} onWait another tab makes one
 */
async function alone(job, onWait) {
  const controller = new AbortController();
  stops.add(controller);
  let waits = false;
  try {
    const free = await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) =>
      lock ? { value: await job() } : null,
    );
    if (free) return free.value;
    waits = true;
    onWait();
    return await navigator.locks.request(LOCK, { signal: controller.signal }, job);
  } catch (error) {
    if (waits && controller.signal.aborted) throw cancelled();
    throw error;
  } finally {
    stops.delete(controller);
  }
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
  if (lost.length) tellNews({ lost });
  return shelf;
}
