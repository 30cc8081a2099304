// The page's side of the worker: a promise for each call, progress while it runs, cancel by
// AbortSignal. A worker that crashed is replaced at the next call. A worker that does not react to
// a cancel in time is ended and replaced, and the open model is opened again. Any page can use it:
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
import { PARTS } from "./protocol.js";
import { startWorker } from "./start.js";

export { EngineError };

/** @typedef {import("./protocol.js").Calls} Calls */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {{ onProgress?: (progress: Progress) => void, signal?: AbortSignal }} Watch */
/** @typedef {import("./protocol.js").GenerateExtras} GenerateExtras */

/**
 * Milliseconds from a cancel until the worker is ended, if it has not answered. On the CPU a cancel
 * has no effect inside a step, which may take minutes. On the GPU it takes effect between submits;
 * the wait is longer there, because kernels may be compiling, and because opening the model again
 * takes longer.
 */
const PATIENCE_MS = { cpu: 1500, webgpu: 10_000 };

/** An iPad's browser says that it is a Mac, and only a page sees the touch screen. */
const IS_TOUCH_MAC =
  (globalThis.navigator?.maxTouchPoints ?? 0) > 1 && /Macintosh/.test(navigator.userAgent);

/** One worker with one model on one device. Calls wait for one another. */
export class Engine {
  /** @type {Caller<Calls>} */
  #caller = new Caller({
    start: () => startWorker("engine", Engine),
    onNews: ({ requests }) => this.onRequests(requests),
  });
  /** @type {"cpu" | "webgpu"} what the open model runs on */
  #device = "cpu";
  /** URL of the npm module's worker, relative to the page; "" is the file in the module. */
  static workerUrl = "";
  /** URL of the npm module's wasm, relative to the page; "" is the file in the module. */
  static wasmUrl = "";
  /**
   * Is called with every request that the worker makes to the network.
   * @type {(requests: import("./protocol.js").NetworkRequest[]) => void}
   */
  onRequests = () => {};

  /**
   * Opens a model: a folder in the diffusers layout, or a single file whose name ends in
   * .safetensors, .ckpt or .gguf. The one that was open is closed first.
   * @param {string} model its address, from the page
   * @param {import("./protocol.js").Options} [options]
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").Description>}
   * @throws {EngineError} of kind no_adapter, not_found, bad_file, out_of_memory, cancelled …
   */
  async open(model, options = {}, watch) {
    const how = { ...(IS_TOUCH_MAC ? { mobile: true } : {}), ...options, ...partsOf(options) };
    /** @type {Parameters<Calls["open"]>} */
    const args = [addressOf(model), how];
    // From now on the former model must not be opened again.
    this.#caller.setup = null;
    const description = await this.#call("open", args, watch, PATIENCE_MS.cpu);
    this.#caller.setup = ["open", args];
    this.#device = description.device;
    return description;
  }

  /**
   * Makes an image with the open model. If the request has a count, it resolves to the last image,
   * and those before it come as progress. `watch` may also have the start image (`initial`), its
   * mask (`mask`), LoRAs (`loras`), textual inversions (`embeddings`), ControlNets and
   * T2I-Adapters (`controls`) and an upscaler (`upscaler`), and say which previews are wanted.
   * @param {import("./protocol.js").Request} request
   * @param {Watch & GenerateExtras} [watch]
   * @returns {Promise<import("./protocol.js").Picture>}
   * @throws {EngineError} of kind request (with its field), cancelled, device_lost …
   */
  generate(request, { onProgress, signal, ...extras } = {}) {
    const { loras, embeddings, controls, upscaler } = extras;
    const files = {
      loras: loras?.map((lora) => ({ ...lora, address: addressOf(lora.address) })),
      embeddings: embeddings?.map(addressOf),
      controls: controls?.map((one) => ({ ...one, address: addressOf(one.address) })),
      upscaler: upscaler && addressOf(upscaler),
    };
    const watch = { ...(onProgress && { onProgress }), ...(signal && { signal }) };
    return this.#call("generate", [request, { ...extras, ...files }], watch);
  }

  /**
   * Enlarges a picture by an upscaler of the ESRGAN family. It needs no open model.
   * @param {string} upscaler the address of its file, from the page
   * @param {import("./protocol.js").Pixels} image
   * @param {import("./protocol.js").UpscaleOptions} [options]
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").Enlarged>}
   * @throws {EngineError} of kind bad_file, request, cancelled …
   */
  upscale(upscaler, image, options = {}, watch) {
    return this.#call("upscale", [addressOf(upscaler), image, options], watch);
  }

  /** Ends the images in work with the next step: they are made from what there is of them. */
  endEarly() {
    this.#caller.notify("endEarly");
  }

  /** Pauses the run after the present step. The event `paused` reports it. */
  pause() {
    this.#caller.notify("pause");
  }

  /** Resumes a paused run. The event `resumed` reports it. */
  resume() {
    this.#caller.notify("resume");
  }

  /**
   * Makes an image, as a loop over its events; the last event has the image. Leaving the loop
   * cancels the run.
   *
   *     for await (const event of engine.events({ prompt: "a red heart", seed: "1" })) {
   *       if (event.event === "step") bar.value = event.step / event.steps;
   *       if (event.event === "picture") show(event.picture);
   *     }
   * @param {import("./protocol.js").Request} request
   * @param {{ signal?: AbortSignal } & GenerateExtras} [watch]
   * @returns {AsyncGenerator<Progress | { event: "picture", picture:
   * import("./protocol.js").Picture }, void, void>}
   * @throws {EngineError} as generate
   */
  async *events(request, { signal, ...extras } = {}) {
    const leaving = new AbortController();
    const signals = [leaving.signal, ...(signal ? [signal] : [])];
    /** @type {Progress[]} */
    const waiting = [];
    /** Ends the wait of the loop below. */
    let wake = () => {};
    const onProgress = (/** @type {Progress} */ progress) => {
      waiting.push(progress);
      wake();
    };
    /** @type {{ picture?: import("./protocol.js").Picture, error?: unknown } | null} */
    let result = null;
    this.generate(request, { ...extras, onProgress, signal: AbortSignal.any(signals) }).then(
      (picture) => {
        result = { picture };
        wake();
      },
      (error) => {
        result = { error };
        wake();
      },
    );
    // A function, because TypeScript takes the variable for null: callbacks set it.
    const resultNow = () => /** @type {typeof result} */ (result);
    try {
      for (;;) {
        const next = waiting.shift();
        if (next) yield next;
        else if (resultNow()) break;
        else await new Promise((/** @type {(value: void) => void} */ done) => (wake = done));
      }
    } finally {
      leaving.abort();
    }
    const { picture, error } = resultNow() ?? {};
    if (!picture) throw error;
    yield { event: "picture", picture };
  }

  /**
   * Compares images of the open model with reference values.
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").Check[]>}
   */
  verify(watch) {
    return this.#call("verify", [], watch);
  }

  /**
   * Counts the tokens of a prompt. It is answered at once, also while an image is made.
   * @param {string} prompt
   * @param {import("./protocol.js").Reading} [reading]
   * @returns {Promise<import("./protocol.js").TokenCount>}
   */
  tokens(prompt, reading = {}) {
    return this.#caller.call("tokens", [prompt, reading], { atOnce: true });
  }

  /**
   * Extends a picture at its sides (outpainting): the new pixels have a first guess, and the mask
   * is white there. It needs no model and is answered at once.
   * @param {import("./protocol.js").Pixels} pixels
   * @param {[left: number, top: number, right: number, bottom: number]} sides in pixels
   * @param {number} seed of the noise in the first guess
   * @returns {Promise<import("./protocol.js").Extended>} start image and mask for `generate`
   */
  outpaint(pixels, sides, seed) {
    return this.#caller.call("outpaint", [pixels, sides, seed], { atOnce: true });
  }

  /**
   * Estimates what an image of Stable Diffusion v1.4 would cost on this device. The estimate takes
   * about a second on a graphics card.
   * @returns {Promise<import("./protocol.js").Forecast>}
   * @throws {EngineError} of kind no_gpu, no_adapter, gpu_limit …
   */
  forecast() {
    return this.#call("forecast", []);
  }

  /**
   * Times an evaluation of the open model's UNet, kernel by kernel, and measures the adapter's peak
   * rates. Its progress has steps; a cancel takes effect between dispatches.
   * @param {import("./protocol.js").Size} size
   * @param {number} [runs] how often each dispatch runs; the fastest run counts
   * @param {Watch} [watch]
   * @returns {Promise<import("./protocol.js").SpeedReport>}
   * @throws {EngineError} of kind request on the CPU or for an odd size, cancelled …
   */
  profile({ width = null, height = null }, runs = 3, watch) {
    return this.#call("profile", [{ width, height }, runs], watch);
  }

  /**
   * Memory that the engine uses now. It is answered at once, also while an image is made.
   * @returns {Promise<import("./protocol.js").Held>}
   */
  held() {
    return this.#caller.call("held", [], { atOnce: true });
  }

  /**
   * The most bytes of graphics memory that the open model has used; undefined on the CPU.
   * @returns {Promise<number | undefined>}
   */
  memory() {
    return this.#call("memory", []);
  }

  /**
   * Compares two PNG files; undefined if their sizes differ.
   * @param {Uint8Array} first
   * @param {Uint8Array} second
   * @returns {Promise<import("./protocol.js").Likeness | undefined>}
   */
  likeness(first, second) {
    return this.#call("likeness", [first, second]);
  }

  /**
   * How well an image fits a prompt, 0 to 100, by a CLIP model in the layout of transformers. The
   * open model is closed first.
   * @param {string} model the address of its folder, from the page
   * @param {string} prompt
   * @param {Uint8Array} png
   * @returns {Promise<number>}
   */
  score(model, prompt, png) {
    this.#caller.setup = null;
    return this.#call("score", [addressOf(model), prompt, png]);
  }

  /** Ends the worker and frees its memory; calls that run or wait are rejected. */
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

/** Their absolute addresses. @param {import("./protocol.js").Options} options */
function partsOf(options) {
  const given = PARTS.flatMap((part) => {
    const address = options[part];
    return address === undefined ? [] : [[part, addressOf(address)]];
  });
  return Object.fromEntries(given);
}

/** The absolute address of a model or file. @param {string} model relative to the page */
function addressOf(model) {
  return new URL(model, globalThis.document?.baseURI ?? import.meta.url).href;
}
