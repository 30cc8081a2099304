// The page's side of the store's worker: a promise for each call, events on the way.

import { EngineError } from "../engine/client.js";
import { startWorker } from "../engine/start.js";
import { say } from "../strings.js";
import { keepLost } from "./lost.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("./protocol.js").FetchOptions} FetchOptions */
/** @typedef {(event: import("./protocol.js").StoreEvent) => void} Listener */

export class Store {
  /** @type {Worker | null} */
  #worker = null;
  /**
   * @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void,
   *   listen?: Listener }>}
   */
  #pending = new Map();
  #lastId = 0;
  /**
   * Hears which models, by title, the browser has lost: its database was damaged and emptied. They
   * are told once, when the store is opened; by itself it keeps them for the shelf.
   * @type {(titles: string[]) => void}
   */
  onLost = keepLost;

  /** @returns {Promise<StoredModel[]>} */
  list() {
    return this.#call("list", []);
  }

  /**
   * Puts a model on the shelf, or finds it there.
   * @param {import("./protocol.js").Known} known
   * @returns {Promise<StoredModel>}
   */
  add({ manifest, address, licence_text: licence }) {
    return this.#call("add", [manifest, address, licence]);
  }

  /**
   * The licence, which was shown, is accepted.
   * @param {string} id
   * @returns {Promise<void>}
   */
  accept(id) {
    return this.#call("accept", [id]);
  }

  /**
   * Fetches what is missing.
   * @param {string} id
   * @param {FetchOptions} options
   * @param {Listener} listen
   * @returns {Promise<void>}
   */
  download(id, options, listen) {
    return this.#call("download", [id, options], listen);
  }

  /**
   * Compares all bytes with their hashes; how many chunks were damaged and fetched again.
   * @param {string} id
   * @param {FetchOptions} options
   * @param {Listener} listen
   * @returns {Promise<number>}
   */
  verify(id, options, listen) {
    return this.#call("verify", [id, options], listen);
  }

  /**
   * Looks at local files and puts the model that they are on the shelf: a known one only when all
   * its hashes are right, which takes a while and is told as `verifying`.
   * @param {{ path: string, file: Blob }[]} files
   * @param {import("./protocol.js").Known[]} known
   * @param {string} name
   * @param {Listener} [listen]
   * @returns {Promise<StoredModel>}
   */
  plan(files, known, name, listen) {
    return this.#call("plan", [files, known, name], listen);
  }

  /**
   * Stores the local files that were looked at.
   * @param {string} id
   * @param {Listener} listen
   * @returns {Promise<void>}
   */
  fill(id, listen) {
    return this.#call("fill", [id], listen);
  }

  /**
   * The model as one file.
   * @param {string} id
   * @returns {Promise<Blob>}
   */
  export(id) {
    return this.#call("export", [id]);
  }

  /**
   * @param {string} id
   * @returns {Promise<void>}
   */
  remove(id) {
    return this.#call("remove", [id]);
  }

  /**
   * What `remove` would delete, to be shown before.
   * @param {string} id
   * @returns {Promise<import("./protocol.js").Deletion>}
   */
  deletion(id) {
    return this.#call("deletion", [id]);
  }

  /** @returns {Promise<import("./protocol.js").Pin[]>} */
  pins() {
    return this.#call("pins", []);
  }

  /**
   * Gives pins up, by their names: the next download of such a file may give other bytes.
   * @param {string[]} names
   * @returns {Promise<void>}
   */
  forgetPins(names) {
    return this.#call("forgetPins", [names]);
  }

  /** Ends the calls that run or wait; what is stored stays. */
  stop() {
    this.#worker?.postMessage({ id: 0, call: "stop", args: [] });
  }

  /**
   * @param {string} call
   * @param {any[]} args
   * @param {Listener} [listen]
   * @returns {Promise<any>}
   */
  #call(call, args, listen) {
    const id = ++this.#lastId;
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, listen });
      worker.postMessage({ id, call, args });
    });
  }

  #start() {
    const worker = startWorker("model store");
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#crash(event.message ?? "");
    };
    return worker;
  }

  /** @param {import("./protocol.js").Answer} answer */
  #hear(answer) {
    if ("crash" in answer) return this.#crash(answer.crash);
    if ("lost" in answer) return this.onLost(answer.lost);
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    if ("event" in answer) return pending.listen?.(answer.event);
    this.#pending.delete(answer.id);
    if ("fault" in answer) pending.reject(new EngineError(answer.fault));
    else pending.resolve(answer.value);
  }

  /** @param {string} reason */
  #crash(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    const error = new EngineError({ kind: "crashed", message: say.crashed(reason) });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
