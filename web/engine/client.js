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

import { Caller } from "../rpc/caller.js";
import { EngineError } from "../rpc/messages.js";
import { say } from "../strings.js";
import { startWorker } from "./start.js";

export { EngineError };

/** @typedef {import("./protocol.js").Calls} Calls */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {{ onProgress?: (progress: Progress) => void, signal?: AbortSignal }} Watch */
/** @typedef {import("./protocol.js").Beside} Beside */

/**
 * Milliseconds from a cancel until its worker is ended, if it has not answered. The CPU hears
 * nothing inside a step, which may take minutes; an adapter is heard between its submits, but may
 * compile kernels before, and its model takes longer to be read again.
 */
const PATIENCE_MS = { cpu: 1500, webgpu: 10_000 };

/** One worker with one model on one device. Calls wait for one another. */
export class Engine {
  /** @type {Caller<Calls>} */
  #caller = new Caller({
    start: () => startWorker("engine", Engine),
    onNews: ({ requests }) => this.onRequests(requests),
  });
  /** @type {"cpu" | "webgpu"} who computes with the model that is open */
  #device = "cpu";
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
  async open(model, options = {}, watch) {
    /** @type {Parameters<Calls["open"]>} */
    const args = [addressOf(model), options];
    // The model that was open is let go first.
    this.#caller.first = null;
    const description = await this.#call("open", args, watch, PATIENCE_MS.cpu);
    this.#caller.first = ["open", args];
    this.#device = description.device;
    return description;
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
    return this.#call("generate", [request, { initial, latents, pictures }], watch);
  }

  /** The picture that is being made rests after its step, and the event `paused` tells it. */
  pause() {
    this.#caller.tell("pause");
  }

  /** The picture that rests goes on; the event `resumed` tells it. */
  resume() {
    this.#caller.tell("resume");
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
    return this.#call("verify", [], watch);
  }

  /**
   * Counts the tokens of a prompt, also while a picture is made.
   * @param {string} prompt
   * @param {import("./protocol.js").Reading} [reading]
   * @returns {Promise<import("./protocol.js").TokenCount>}
   */
  tokens(prompt, reading = {}) {
    return this.#caller.call("tokens", [prompt, reading], { atOnce: true });
  }

  /**
   * Estimates what a picture of Stable Diffusion v1.4 would cost here: a second on a graphics card.
   * @returns {Promise<import("./protocol.js").Forecast>}
   * @throws {EngineError} of kind no_gpu, no_adapter, gpu_limit …
   */
  forecast() {
    return this.#call("forecast", []);
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
    return this.#call("profile", [{ width, height }, runs], watch);
  }

  /**
   * What the engine holds now, also while a picture is made.
   * @returns {Promise<import("./protocol.js").Held>}
   */
  held() {
    return this.#caller.call("held", [], { atOnce: true });
  }

  /**
   * The most bytes of graphics memory that the open model has held; undefined on the CPU.
   * @returns {Promise<number | undefined>}
   */
  memory() {
    return this.#call("memory", []);
  }

  /**
   * Compares two PNG files; undefined when their sizes differ.
   * @param {Uint8Array} first
   * @param {Uint8Array} second
   * @returns {Promise<import("./protocol.js").Likeness | undefined>}
   */
  likeness(first, second) {
    return this.#call("likeness", [first, second]);
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
    this.#caller.first = null;
    return this.#call("score", [addressOf(model), prompt, png]);
  }

  /** Ends the worker and gives everything back; calls that wait are refused. */
  dispose() {
    this.#caller.end({ kind: "closed", message: say.closed() });
  }

  /**
   * A call that waits for those before it.
   * @template {keyof Calls} K
   * @param {K} call
   * @param {Parameters<Calls[K]>} args
   * @param {Watch} [watch]
   * @param {number} [patience]
   */
  #call(call, args, { onProgress, signal } = {}, patience = PATIENCE_MS[this.#device]) {
    const onEvent = onProgress && { onEvent: onProgress };
    return this.#caller.call(call, args, { signal, patience, ...onEvent });
  }
}

/** The whole address of a model. @param {string} model from the page */
function addressOf(model) {
  return new URL(model, globalThis.document?.baseURI ?? import.meta.url).href;
}
