// The page's side of the worker: a promise for each call, progress on the way, cancel by
// AbortSignal. A worker that crashed is replaced at the next call, and one that does not hear a
// cancel at once, with the model that was open. Any page can use it:
//
//     import { Engine } from "./engine/client.js";
//
//     const engine = new Engine();
//     await engine.open("models/demo/");
//     const { png } = await engine.generate({ prompt: "a red heart on yellow", seed: "1" });
//     image.src = URL.createObjectURL(new Blob([png], { type: "image/png" }));
//     engine.dispose();

import { say } from "../strings.js";
import { startWorker } from "./start.js";

/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Answer} Answer */
/** @typedef {{ onProgress?: (progress: Progress) => void, signal?: AbortSignal }} Watch */
/** @typedef {import("./protocol.js").Beside} Beside */
/**
 * @typedef {object} Pending
 * @property {{ id: number, call: string }} call as the worker gets it
 * @property {(value: any) => void} resolve
 * @property {(error: EngineError) => void} reject
 * @property {((progress: Progress) => void) | undefined} onProgress
 */

/**
 * Milliseconds from a cancel until its worker is ended, if it has not answered. The CPU hears
 * nothing inside a step, which may take minutes; an adapter is heard between its submits, but may
 * compile kernels before, and its model takes longer to be read again.
 */
const PATIENCE_MS = { cpu: 1500, webgpu: 10_000 };

/** Calls that the worker answers whatever else runs. */
const AT_ONCE = new Set(["tokens", "held"]);

/** A fault that the engine reported, told in a sentence. */
export class EngineError extends Error {
  /** @param {import("./protocol.js").Fault} fault */
  constructor({ kind, message, field }) {
    super(message);
    this.name = "EngineError";
    this.kind = kind;
    this.field = field;
  }
}

/** One worker with one model on one device. Calls wait for one another. */
export class Engine {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #lastId = 0;
  /**
   * The call that opened the model which is open, for a worker that has to take another's place.
   * @type {{ id: number, call: string } | null}
   */
  #opened = null;
  /** @type {"cpu" | "webgpu"} who computes with it */
  #device = "cpu";
  /** Whether a new worker reads the model of the old one; calls wait for it. */
  #reopens = false;
  /** Where the npm module's worker is, if not beside it; from the page. "" for its own place. */
  static workerUrl = "";
  /** Where the npm module's wasm is, if not beside it; from the page. "" for its own place. */
  static wasmUrl = "";
  /**
   * Hears of every request that the worker makes to the network.
   * @type {(requests: import("./protocol.js").NetworkRequest[]) => void}
   */
  onRequests = () => {};

  /**
   * Opens a model: a folder in the diffusers layout, or a single file whose name ends in
   * .safetensors, .ckpt or .gguf. The one that was open is let go.
   * @param {string} model its address, from the page
   * @param {import("./protocol.js").Options} [options]
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").Description>}
   * @throws {EngineError} of kind no_adapter, not_found, bad_file, out_of_memory, cancelled …
   */
  open(model, options = {}, watch) {
    const address = new URL(model, globalThis.document?.baseURI ?? import.meta.url).href;
    return this.#call({ call: "open", model: address, options }, watch);
  }

  /**
   * Makes a picture with the model that is open; of a request with a count, the last one, after
   * the others have come as progress. `watch` may also have the picture to begin with, `initial`,
   * and say what to show of a picture on its way.
   * @param {import("./protocol.js").Request} request
   * @param {Watch & Beside} [watch]
   * @returns {Promise<import("./protocol.js").Picture>}
   * @throws {EngineError} of kind request (with its field), cancelled, device_lost …
   */
  generate(request, { initial, latents = false, pictures = 0, ...watch } = {}) {
    return this.#call(
      { call: "generate", request, beside: { initial, latents, pictures } },
      watch,
    );
  }

  /** The picture that is being made rests after its step, and the event `paused` tells it. */
  pause() {
    this.#worker?.postMessage({ id: 0, call: "pause" });
  }

  /** The picture that rests goes on; the event `resumed` tells it. */
  resume() {
    this.#worker?.postMessage({ id: 0, call: "resume" });
  }

  /**
   * Makes a picture as a loop over what happens; the last event is the picture. Leaving the loop
   * stops the run.
   *
   *     for await (const event of engine.events({ prompt: "a red heart", seed: "1" })) {
   *       if (event.event === "step") bar.value = event.step / event.steps;
   *       if (event.event === "picture") show(event.picture);
   *     }
   * @param {import("./protocol.js").Request} request
   * @param {{ signal?: AbortSignal } & Beside} [watch]
   * @returns {AsyncGenerator<Progress | { event: "picture", picture:
   * import("./protocol.js").Picture }, void, void>}
   * @throws {EngineError} as generate
   */
  async *events(request, { signal, ...beside } = {}) {
    const leaving = new AbortController();
    const signals = [leaving.signal, ...(signal ? [signal] : [])];
    /** @type {Progress[]} */
    const heard = [];
    let wake = () => {};
    const onProgress = (/** @type {Progress} */ progress) => {
      heard.push(progress);
      wake();
    };
    /** @type {{ picture?: import("./protocol.js").Picture, error?: unknown } | null} */
    let ended = null;
    this.generate(request, { ...beside, onProgress, signal: AbortSignal.any(signals) }).then(
      (picture) => {
        ended = { picture };
        wake();
      },
      (error) => {
        ended = { error };
        wake();
      },
    );
    const end = () => /** @type {typeof ended} */ (ended);
    try {
      for (;;) {
        const next = heard.shift();
        if (next) yield next;
        else if (end()) break;
        else await new Promise((/** @type {(value: void) => void} */ done) => (wake = done));
      }
    } finally {
      leaving.abort();
    }
    const { picture, error } = end() ?? {};
    if (!picture) throw error;
    yield { event: "picture", picture };
  }

  /**
   * Compares the pictures of the model that is open with what they should be.
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").Check[]>}
   */
  verify(watch) {
    return this.#call({ call: "verify" }, watch);
  }

  /**
   * Counts the tokens of a prompt, also while a picture is made.
   * @param {string} prompt
   * @param {import("./protocol.js").Reading} [reading]
   * @returns {Promise<import("./protocol.js").TokenCount>}
   */
  tokens(prompt, reading = {}) {
    return this.#call({ call: "tokens", prompt, reading });
  }

  /**
   * Estimates what a picture of Stable Diffusion v1.4 would cost here: a second on a graphics card.
   * @returns {Promise<import("./protocol.js").Forecast>}
   * @throws {EngineError} of kind no_gpu, no_adapter, gpu_limit …
   */
  forecast() {
    return this.#call({ call: "forecast" });
  }

  /**
   * Times an evaluation of the open model's UNet, kernel by kernel, beside the adapter's own peaks.
   * How far it is comes as steps; a cancel is heard between dispatches.
   * @param {import("./protocol.js").Size} size
   * @param {number} [runs] of each dispatch, of which the fastest counts
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").Profile>}
   * @throws {EngineError} of kind request on the CPU or for an odd size, cancelled …
   */
  profile({ width = null, height = null }, runs = 3, watch) {
    return this.#call({ call: "profile", request: { width, height }, runs }, watch);
  }

  /**
   * What the engine holds now, also while a picture is made.
   * @returns {Promise<import("./protocol.js").Held>}
   */
  held() {
    return this.#call({ call: "held" });
  }

  /**
   * The most bytes of graphics memory that the open model has held; undefined on the CPU.
   * @returns {Promise<number | undefined>}
   */
  memory() {
    return this.#call({ call: "memory" });
  }

  /**
   * Compares two PNG files; undefined when their sizes differ.
   * @param {Uint8Array} first
   * @param {Uint8Array} second
   * @returns {Promise<import("./protocol.js").Likeness | undefined>}
   */
  likeness(first, second) {
    return this.#call({ call: "likeness", pngs: [first, second] });
  }

  /**
   * How well a picture fits a prompt, 0 to 100, by a CLIP model as transformers writes it. It takes
   * the place of the model that is open.
   * @param {string} model the address of its folder, from the page
   * @param {string} prompt
   * @param {Uint8Array} png
   * @returns {Promise<number>}
   */
  score(model, prompt, png) {
    const address = new URL(model, globalThis.document?.baseURI ?? import.meta.url).href;
    return this.#call({ call: "score", model: address, prompt, png });
  }

  /** Ends the worker and gives everything back; calls that wait are refused. */
  dispose() {
    this.#end({ kind: "closed", message: say.closed() });
  }

  /**
   * @param {{ call: string, [field: string]: unknown }} message
   * @param {Watch} [watch]
   * @returns {Promise<any>}
   */
  #call(message, { onProgress, signal } = {}) {
    const call = { id: ++this.#lastId, ...message };
    this.#worker ??= this.#start();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const cancel = () => {
      if (this.#reopens) return this.#stop(call.id);
      this.#post({ id: call.id, call: "cancel" });
      const patience = call.call === "open" ? PATIENCE_MS.cpu : PATIENCE_MS[this.#device];
      timer = setTimeout(() => this.#stop(call.id), patience);
    };
    const answered = new Promise((resolve, reject) => {
      this.#pending.set(call.id, { call, resolve, reject, onProgress });
      // Both let go of the model that was open.
      if (call.call === "open" || call.call === "score") this.#opened = null;
      this.#post(call);
    });
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel);
    return answered.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    });
  }

  /** @param {{ id: number, call: string }} message */
  #post(message) {
    // Those that come meanwhile are sent once the model is open again.
    if (!this.#reopens) this.#worker?.postMessage(message);
  }

  /**
   * Ends a call that was cancelled and has not answered. When it is the one that runs, its worker
   * ends with it, and another takes its place: with the same model, and with the calls that wait.
   * @param {number} id
   */
  #stop(id) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    const first = [...this.#pending.values()].find(({ call }) => !AT_ONCE.has(call.call));
    this.#pending.delete(id);
    if (first === pending && !this.#reopens) this.#restart();
    pending.reject(new EngineError({ kind: "cancelled", message: say.cancelled(0) }));
  }

  #restart() {
    this.#worker?.terminate();
    const worker = (this.#worker = this.#start());
    this.#reopens = !!this.#opened;
    // No call has this number.
    if (this.#opened) worker.postMessage({ ...this.#opened, id: 0 });
    else this.#sendPending();
  }

  #sendPending() {
    for (const { call } of this.#pending.values()) this.#post(call);
  }

  /**
   * @param {Exclude<Answer, { crash: string } | { requests: unknown }>} answer of the new worker
   */
  #hearReopening(answer) {
    if ("progress" in answer) {
      for (const { onProgress } of this.#pending.values()) onProgress?.(answer.progress);
    } else if ("fault" in answer) {
      this.#end({ ...answer.fault, kind: "closed" });
    } else {
      this.#reopens = false;
      this.#sendPending();
    }
  }

  #start() {
    const worker = startWorker("engine", Engine);
    let speaks = false;
    worker.onmessage = ({ data }) => {
      speaks = true;
      this.#hear(worker, data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (speaks || event.message) this.#crash(worker, event.message ?? "");
      else if (worker === this.#worker) this.#end({ kind: "crashed", message: say.notStarted() });
    };
    return worker;
  }

  /**
   * @param {Worker} worker
   * @param {Answer} answer
   */
  #hear(worker, answer) {
    if (worker !== this.#worker) return;
    if ("crash" in answer) return this.#crash(worker, answer.crash);
    if ("requests" in answer) return this.onRequests(answer.requests);
    if (answer.id === 0) return this.#hearReopening(answer);
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    if ("progress" in answer) return pending.onProgress?.(answer.progress);
    this.#pending.delete(answer.id);
    if ("fault" in answer) return pending.reject(new EngineError(answer.fault));
    if (pending.call.call === "open") {
      const { device } = /** @type {import("./protocol.js").Description} */ (answer.value);
      [this.#opened, this.#device] = [pending.call, device];
    }
    pending.resolve(answer.value);
  }

  /**
   * @param {Worker} worker the one that crashed; its last words may come after its successor
   *   started
   * @param {string} reason
   */
  #crash(worker, reason) {
    if (worker === this.#worker) this.#end({ kind: "crashed", message: say.crashed(reason) });
  }

  /** @param {import("./protocol.js").Fault} fault */
  #end(fault) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#opened = null;
    this.#reopens = false;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new EngineError(fault));
  }
}
