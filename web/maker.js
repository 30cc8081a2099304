// Makes images for several askers by one engine, one after another and in turn with other tabs. A
// model stays open as long as the next image is of the same one.

import { inTurn } from "./tab/turn.js";
import { Engine } from "./engine/client.js";

/** @typedef {import("./engine/client.js").Watch & { signal: AbortSignal }} Watch */

export class Maker {
  #engine = new Engine();
  /** The open model with its options, as text; empty if none is open. */
  #opened = "";
  /** Resolved when all images so far are made or were cancelled. */
  #queue = Promise.resolve();

  /**
   * @param {string} model its address
   * @param {import("./engine/protocol.js").Options} options
   * @param {import("./engine/protocol.js").Request} request
   * @param {Watch} watch
   * @returns {Promise<import("./engine/protocol.js").Picture>}
   * @throws {import("./engine/client.js").EngineError} as Engine.open and Engine.generate
   */
  make(model, options, request, watch) {
    const work = async () => {
      watch.signal.throwIfAborted();
      await this.#open(model, options, watch);
      return this.#engine.generate(request, watch).catch((error) => {
        // After a wrong request or a cancel the model is still open; after other errors perhaps
        // not.
        if (!["request", "cancelled"].includes(error.kind)) this.#opened = "";
        throw error;
      });
    };
    const mine = this.#queue.then(() => inTurn(work, { onWait() {}, signal: watch.signal }));
    this.#queue = mine.then(
      () => {},
      () => {},
    );
    return mine;
  }

  /** Ends the worker and frees its memory; the next image starts another one. */
  dispose() {
    this.#opened = "";
    this.#engine.dispose();
  }

  /**
   * @param {string} model
   * @param {import("./engine/protocol.js").Options} options
   * @param {Watch} watch
   */
  async #open(model, options, watch) {
    const wanted = JSON.stringify([model, options]);
    if (wanted === this.#opened) return;
    this.#opened = "";
    await this.#engine.open(model, options, watch);
    this.#opened = wanted;
  }
}
