// The engine's worker: owns the wasm and the GPU. One call runs at a time; only cancel, pause,
// resume, `tokens`, `held` and `outpaint` do not wait for it.

import { cancelled, serve, withTransfer } from "../rpc/server.js";
import { say } from "../strings.js";
import { findAdapter } from "./adapter.js";
import { keepRefused, memoryOf, refusalsKept } from "./memory.js";
import { fetchWasm } from "./wasm.js";
import { keepTuning, knownTunings } from "./tunings.js";

/** @typedef {import("./protocol.js").Calls} Calls */
/** @typedef {import("./protocol.js").Picture} Picture */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("../rpc/server.js").Context} Context */
/** @typedef {import("../pkg/darkroom.js").Engine} Engine */

/** @type {Promise<typeof import("../pkg/darkroom.js")> | null} */
let wasm = null;
/** @type {Engine | null} */
let engine = null;
/** The name of its adapter; empty if the browser does not show it. */
let adapter = "";
/**
 * The CLIP model of `score`, and its address.
 * @type {{ address: string, judge: import("../pkg/darkroom.js").Judge } | null}
 */
let judging = null;

/** Calls that are answered at once, also while another one runs. */
const AT_ONCE = new Set(["tokens", "held", "outpaint"]);

/** @type {import("../rpc/server.js").Handlers<Calls>} */
const CALLS = {
  open,
  async generate(context, request, extras) {
    const picture = await opened(context).generate(request, progressOf(context), extras);
    await refusalsKept();
    return withTransfer(picture, buffers(picture));
  },
  async upscale(context, address, image, options) {
    // It needs no model: where none is open, an engine without one enlarges.
    const module = await load(progressOf(context));
    engine ??= new module.Engine();
    const { kind } = await findAdapter();
    const how = { adapter: kind, ...options };
    const made = await opened(context).upscale(address, image, how, progressOf(context));
    return withTransfer(made, buffers(made));
  },
  verify: async (context) => opened(context).verify(progressOf(context)),
  forecast: async () => (await load()).forecast(),
  profile: async (context, size, runs) => opened(context).profile(size, runs, progressOf(context)),
  held: () => opened().held(),
  tokens: (_, prompt, reading) => opened().tokens(prompt, reading),
  memory: () => engine?.memory(),
  async outpaint(_, pixels, sides, seed) {
    const { initial, mask } = (await load()).outpaint(pixels, Uint32Array.from(sides), seed);
    return withTransfer({ initial, mask }, [initial.rgba.buffer, mask.rgba.buffer]);
  },
  likeness: async (_, first, second) => (await load()).likeness(first, second),
  score,
};
serve(CALLS, {
  queued: (call) => !AT_ONCE.has(call),
  notifications: {
    pause: () => engine?.pause(),
    resume: () => engine?.resume(),
    endEarly: () => engine?.end_early(),
  },
});

/**
 * The engine with the open model. If the call is cancelled, the engine cancels its run.
 * @param {Context} [context]
 */
function opened(context) {
  if (!engine) throw Object.assign(new Error("No model is open."), { kind: "closed" });
  if (context?.signal.aborted) throw cancelled();
  context?.signal.addEventListener("abort", () => engine?.cancel());
  return engine;
}

/** @type {import("../rpc/server.js").Handlers<Calls>["open"]} */
async function open(context, model, options) {
  const onProgress = progressOf(context);
  const { Engine } = await load(onProgress);
  release();
  engine = new Engine();
  const [{ kind, name }, known] = await Promise.all([findAdapter(), knownTunings()]);
  const tunings = options?.kernels === "tuned" ? known : undefined;
  const memory = memoryOf(name, known);
  adapter = name;
  const whole = { ...memory, ...options, adapter: kind, ...(tunings ? { tunings } : {}) };
  const description = await opened(context).open(model, whole, onProgress);
  await refusalsKept();
  const [key, text] = description.tuning ?? [];
  if (tunings && key && tunings[key] !== text) await keepTuning(key, text);
  return { ...description, adapter: name || say.unnamedAdapter(description.adapter_kind) };
}

/** @type {import("../rpc/server.js").Handlers<Calls>["score"]} */
async function score(_, model, prompt, png) {
  const { Judge } = await load();
  if (judging?.address !== model) {
    release();
    judging = { address: model, judge: await Judge.open(model) };
  }
  return judging.judge.score(prompt, png);
}

/** A callback that sends progress to the page. @param {Context} context */
function progressOf({ emit }) {
  return (/** @type {Progress} */ progress) => {
    if (progress.event === "memory_refused") keepRefused(adapter, progress.bytes);
    emit(progress, transferOf(progress));
  };
}

/** Frees all that uses graphics memory. */
function release() {
  engine?.free();
  engine = null;
  judging?.judge.free();
  judging = null;
}

/**
 * The wasm module, fetched and compiled once. After a failure the next call tries again.
 * @param {(progress: Progress) => void} [onProgress]
 */
function load(onProgress = () => {}) {
  wasm ??= fetchEngine(onProgress).catch((error) => {
    wasm = null;
    throw Object.assign(new Error(say.notFetched(String(error.message))), { kind: "not_fetched" });
  });
  return wasm;
}

/** @param {(progress: Progress) => void} onProgress gets the bytes received so far */
async function fetchEngine(onProgress) {
  const module = await import("../pkg/darkroom.js");
  await module.default({ module_or_path: await fetchWasm(onProgress) });
  return module;
}

/**
 * The buffers of an event that are transferred to the page instead of copied.
 * @param {Progress} progress
 */
function transferOf(progress) {
  if (progress.event === "picture") return buffers(progress.picture);
  if (progress.event === "latents") return [progress.values.buffer];
  return progress.event === "preview" ? [progress.rgba.buffer] : [];
}

/**
 * The buffers of an image that are transferred to the page instead of copied.
 * @param {Pick<Picture, "rgba" | "png">} picture
 */
function buffers({ rgba, png }) {
  return [rgba.buffer, png.buffer];
}
