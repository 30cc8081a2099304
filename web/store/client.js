// The page's side of the store's worker: a promise for each call, events on the way.

import { startWorker } from "../engine/start.js";
import { Caller } from "../rpc/caller.js";
import { keepLost } from "./lost.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("./protocol.js").FetchOptions} FetchOptions */
/** @typedef {(event: import("./protocol.js").StoreEvent) => void} Listener */

export class Store {
  /** @type {Caller<import("./protocol.js").Calls>} */
  #caller = new Caller({
    start: () => startWorker("model store"),
    onNews: ({ lost }) => lost && this.onLost(lost),
  });
  /**
   * Hears which models, by title, the browser has lost: its database was damaged and emptied. They
   * are told once, when the store is opened; by itself it keeps them for the library.
   * @type {(titles: string[]) => void}
   */
  onLost = keepLost;

  /** @returns {Promise<StoredModel[]>} */
  list() {
    return this.#caller.call("list", []);
  }

  /**
   * Puts a model into the library, or finds it there.
   * @param {import("./protocol.js").Known} known
   * @returns {Promise<StoredModel>}
   */
  add({ manifest, address, licence_text: licence }) {
    return this.#caller.call("add", [manifest, address, licence]);
  }

  /**
   * The licence, which was shown, is accepted.
   * @param {string} id
   * @returns {Promise<void>}
   */
  accept(id) {
    return this.#caller.call("accept", [id]);
  }

  /**
   * Fetches what is missing.
   * @param {string} id
   * @param {FetchOptions} options
   * @param {Listener} listen
   * @returns {Promise<void>}
   */
  download(id, options, listen) {
    return this.#caller.call("download", [id, options], { onEvent: listen });
  }

  /**
   * Compares all bytes with their hashes; how many chunks were damaged and fetched again.
   * @param {string} id
   * @param {FetchOptions} options
   * @param {Listener} listen
   * @returns {Promise<number>}
   */
  verify(id, options, listen) {
    return this.#caller.call("verify", [id, options], { onEvent: listen });
  }

  /**
   * Finds out which model local files are, and puts it into the library without its bytes. It is
   * one of `known` only when all hashes are right; checking them is reported as `verifying`.
   * @param {{ path: string, file: Blob }[]} files
   * @param {import("./protocol.js").Known[]} known
   * @param {string} name
   * @param {Listener} [listen]
   * @returns {Promise<StoredModel>}
   */
  plan(files, known, name, listen) {
    return this.#caller.call("plan", [files, known, name], { onEvent: listen });
  }

  /**
   * Stores the bytes of the local files of a model that `plan` has put into the library.
   * @param {string} id
   * @param {Listener} listen
   * @returns {Promise<void>}
   */
  fill(id, listen) {
    return this.#caller.call("fill", [id], { onEvent: listen });
  }

  /**
   * The model as one file.
   * @param {string} id
   * @returns {Promise<Blob>}
   */
  export(id) {
    return this.#caller.call("export", [id]);
  }

  /**
   * @param {string} id
   * @returns {Promise<void>}
   */
  remove(id) {
    return this.#caller.call("remove", [id]);
  }

  /**
   * What `remove` would delete, to be shown before.
   * @param {string} id
   * @returns {Promise<import("./protocol.js").Deletion>}
   */
  deletion(id) {
    return this.#caller.call("deletion", [id]);
  }

  /** @returns {Promise<import("./protocol.js").Pin[]>} */
  pins() {
    return this.#caller.call("pins", []);
  }

  /**
   * Gives pins up, by their names: the next download of such a file may give other bytes.
   * @param {string[]} names
   * @returns {Promise<void>}
   */
  forgetPins(names) {
    return this.#caller.call("forgetPins", [names]);
  }

  /** Ends the calls that run or wait; what is stored stays. */
  stop() {
    this.#caller.tell("stop");
  }
}
