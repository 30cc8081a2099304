// The page's side of the store's worker: a promise for each call, events while it runs.

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
   * Is called with the titles of models that the browser has lost, because its database was damaged
   * and emptied. That is reported once, when the store is opened; by default the titles are stored
   * and the library shows them.
   * @type {(titles: string[]) => void}
   */
  onLost = keepLost;

  /** All stored models, complete or not. @returns {Promise<StoredModel[]>} */
  list() {
    return this.#caller.call("list", []);
  }

  /**
   * Adds a model to the store, without its files. If the same version is stored already, its files
   * stay and its manifest is updated; if another version is stored, that is an error.
   * @param {import("./protocol.js").OfferedModel} offered
   * @returns {Promise<StoredModel>}
   */
  add({ manifest, address, licence_text: licence }) {
    return this.#caller.call("add", [manifest, address, licence]);
  }

  /**
   * Stores that the user has accepted the licence.
   * @param {string} id
   * @returns {Promise<void>}
   */
  accept(id) {
    return this.#caller.call("accept", [id]);
  }

  /**
   * Fetches the missing files of a model.
   * @param {string} id
   * @param {FetchOptions} options
   * @param {Listener} listen
   * @returns {Promise<void>}
   */
  download(id, options, listen) {
    return this.#caller.call("download", [id, options], { onEvent: listen });
  }

  /**
   * Compares all bytes with their hashes, and fetches damaged chunks again. Resolves to how many
   * were damaged.
   * @param {string} id
   * @param {FetchOptions} options
   * @param {Listener} listen
   * @returns {Promise<number>}
   */
  verify(id, options, listen) {
    return this.#caller.call("verify", [id, options], { onEvent: listen });
  }

  /**
   * Finds out which model local files are, and adds it to the store without its bytes. It is one of
   * `offered` only if all hashes agree; the event `verifying` reports the check.
   * @param {{ path: string, file: Blob }[]} files
   * @param {import("./protocol.js").OfferedModel[]} offered
   * @param {string} name for a model that is none of them
   * @param {Listener} [listen]
   * @returns {Promise<StoredModel>}
   */
  identifyLocal(files, offered, name, listen) {
    return this.#caller.call("plan", [files, offered, name], { onEvent: listen });
  }

  /**
   * Stores the bytes of the local files that `identifyLocal` was given.
   * @param {string} id of the model that it returned
   * @param {Listener} listen
   * @returns {Promise<void>}
   */
  importLocal(id, listen) {
    return this.#caller.call("fill", [id], { onEvent: listen });
  }

  /**
   * The hash by which other programs know a LoRA: it is computed once, and kept.
   * @param {string} id
   * @returns {Promise<string | undefined>} undefined for anything else
   */
  modelHash(id) {
    return this.#caller.call("modelHash", [id]);
  }

  /**
   * The model as one file: a tar file, or the file itself of what is no model.
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
   * What `remove` would delete, to ask the user first.
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
   * Removes pins by name: the next download of such a file may have other bytes.
   * @param {string[]} names
   * @returns {Promise<void>}
   */
  forgetPins(names) {
    return this.#caller.call("forgetPins", [names]);
  }

  /** Cancels the calls that run or wait; stored bytes stay. */
  stop() {
    this.#caller.notify("stop");
  }
}
