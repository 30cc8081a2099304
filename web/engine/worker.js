// The worker: owns the wasm and the GPU, and is the only importer of pkg/. One call runs at a time;
// a wish to cancel or to rest overtakes those that wait.

import { say } from "../strings.js";
import { findAdapter } from "./adapter.js";
import { fetchWasm } from "./wasm.js";
import { keepTuning, knownTunings } from "./tunings.js";

/** @typedef {import("./protocol.js").Call} Call */
/** @typedef {import("./protocol.js").Answer} Answer */
/** @typedef {import("./protocol.js").Picture} Picture */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("../pkg/darkroom.js").Engine} Engine */

/** @type {Promise<typeof import("../pkg/darkroom.js")> | null} */
let wasm = null;
/** @type {Engine | null} */
let engine = null;
/** @type {{ address: string, judge: import("../pkg/darkroom.js").Judge } | null} */
let judging = null;
/** The call that runs now. */
let running = 0;
/** @type {Set<number>} calls that were cancelled before their turn */
const cancelled = new Set();
let turn = Promise.resolve();

self.addEventListener("message", (/** @type {MessageEvent<Call>} */ { data }) => {
  if (data.call === "tokens") {
    answerAtOnce(data.id, (open) => open.tokens(data.prompt, data.reading));
  } else if (data.call === "held") {
    answerAtOnce(data.id, (open) => open.held());
  } else if (data.call === "pause") {
    engine?.pause();
  } else if (data.call === "resume") {
    engine?.resume();
  } else if (data.call !== "cancel") {
    turn = turn.then(() => run(data));
  } else if (data.id === running) {
    engine?.cancel();
  } else if (data.id > running) {
    cancelled.add(data.id);
  }
});

// A panic in Rust leaves the call that ran unanswered for ever: the page must hear of it here.
self.addEventListener("error", (event) => answer({ crash: event.message }));
self.addEventListener("unhandledrejection", (event) => answer({ crash: String(event.reason) }));

/**
 * What is answered whatever else runs.
 * @param {number} id
 * @param {(open: Engine) => unknown} ask
 */
function answerAtOnce(id, ask) {
  try {
    if (!engine) throw Object.assign(new Error("No model is open."), { kind: "closed" });
    answer({ id, value: ask(engine) });
  } catch (error) {
    answer({ id, fault: faultOf(error) });
  }
}

/** @param {Exclude<Call, { call: "cancel" | "tokens" | "held" | "pause" | "resume" }>} call */
async function run(call) {
  const { id } = call;
  running = id;
  try {
    if (cancelled.delete(id)) throw Object.assign(new Error("Cancelled."), { kind: "cancelled" });
    const onProgress = (/** @type {Progress} */ progress) => {
      answer({ id, progress }, moved(progress));
    };
    if (call.call === "open") {
      const { Engine } = await load(onProgress);
      release();
      engine = new Engine();
      const { kind, name } = await findAdapter();
      const tunes = call.options?.kernels === "tuned";
      const tunings = tunes ? await knownTunings() : undefined;
      const options = { ...call.options, adapter: kind, ...(tunings ? { tunings } : {}) };
      const description = await engine.open(call.model, options, onProgress);
      const [key, text] = description.tuning ?? [];
      if (tunings && key && tunings[key] !== text) await keepTuning(key, text);
      answer({ id, value: { ...description, adapter: name || say.someAdapter() } });
    } else if (call.call === "likeness") {
      const { likeness } = await load();
      answer({ id, value: likeness(...call.pngs) });
    } else if (call.call === "score") {
      answer({ id, value: await score(call) });
    } else if (call.call === "memory") {
      answer({ id, value: engine?.memory() });
    } else if (call.call === "forecast") {
      answer({ id, value: await (await load()).forecast() });
    } else if (call.call === "profile") {
      if (!engine) throw new Error("No model is open.");
      answer({ id, value: await engine.profile(call.request, call.runs, onProgress) });
    } else if (call.call === "verify") {
      if (!engine) throw new Error("No model is open.");
      answer({ id, value: await engine.verify(onProgress) });
    } else {
      if (!engine) throw new Error("No model is open.");
      const picture = await engine.generate(call.request, onProgress, call.beside);
      answer({ id, value: picture }, buffers(picture));
    }
  } catch (error) {
    answer({ id, fault: faultOf(error) });
  }
}

/** @param {Extract<Call, { call: "score" }>} call */
async function score({ model, prompt, png }) {
  const { Judge } = await load();
  if (judging?.address !== model) {
    release();
    judging = { address: model, judge: await Judge.open(model) };
  }
  return judging.judge.score(prompt, png);
}

/** Gives back what holds graphics memory. */
function release() {
  engine?.free();
  engine = null;
  judging?.judge.free();
  judging = null;
}

/**
 * @param {any} error
 * @returns {import("./protocol.js").Fault}
 */
function faultOf(error) {
  const { kind = "other", message = String(error), field } = error;
  return { kind, message, field };
}

/**
 * The wasm, fetched and compiled once; after a failure, the next call tries again.
 * @param {(progress: Progress) => void} [onProgress]
 */
function load(onProgress = () => {}) {
  wasm ??= fetchEngine(onProgress).catch((error) => {
    wasm = null;
    throw Object.assign(new Error(say.notFetched(String(error.message))), { kind: "not_fetched" });
  });
  return wasm;
}

/** @param {(progress: Progress) => void} onProgress hears how much of it has come */
async function fetchEngine(onProgress) {
  const module = await import("../pkg/darkroom.js");
  await module.default({ module_or_path: await fetchWasm(onProgress) });
  return module;
}

/**
 * What of an event moves to the page instead of being copied.
 * @param {Progress} progress
 */
function moved(progress) {
  if (progress.event === "picture") return buffers(progress.picture);
  if (progress.event === "latents") return [progress.values.buffer];
  return progress.event === "preview" ? [progress.rgba.buffer] : [];
}

/**
 * What of a picture moves to the page instead of being copied.
 * @param {Picture} picture
 */
function buffers({ rgba, png }) {
  return [rgba.buffer, png.buffer];
}

/**
 * @param {Answer} message
 * @param {Transferable[]} [transfer]
 */
function answer(message, transfer = []) {
  self.postMessage(message, { transfer });
}
