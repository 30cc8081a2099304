// The page's side of a worker: a promise for each call, its events on the way, cancel by
// AbortSignal. A worker that crashed is replaced at the next call; one that does not hear a cancel
// can be replaced at once, and the calls that wait go to its successor.

import { say } from "../strings.js";
import { EngineError } from "./messages.js";

/** @typedef {import("./messages.js").Fault} Fault */
/** @typedef {{ id: number, call: string, args: any[] }} Sent a call, as the worker gets it */

/**
 * @typedef {object} Pending
 * @property {Sent} sent
 * @property {(value: any) => void} resolve
 * @property {(error: EngineError) => void} reject
 * @property {((event: any) => void) | undefined} onEvent
 */

/**
 * @typedef {object} Watch
 * @property {(event: any) => void} [onEvent]
 * @property {AbortSignal | undefined} [signal] asks the worker to end the call
 * @property {number} [patience] milliseconds after that in which the worker must have answered; one
 * that has not is replaced
 * @property {boolean} [atOnce] whether the worker answers it whatever else runs
 */

/** Calls to one worker. @template {import("./messages.js").Protocol} P */
export class Caller {
  /**
   * The call (name, arguments) that a replacement worker makes before any other.
   * @type {[string, any[]] | null}
   */
  first = null;
  #startWorker;
  #onNews;
  /** @type {Worker | null} */
  #worker = null;
  /** In the order in which they were made. @type {Map<number, Pending & Watch>} */
  #pending = new Map();
  #lastId = 0;
  /** Whether a replacement worker makes its first call; waiting calls are sent after it. */
  #begins = false;

  /**
   * @param {object} about
   * @param {() => Worker} about.start
   * @param {(news: any) => void} [about.onNews] what the worker tells of itself
   */
  constructor({ start, onNews = () => {} }) {
    this.#startWorker = start;
    this.#onNews = onNews;
  }

  /**
   * Calls the worker, which is started if it is not there.
   * @template {string & keyof P} K
   * @param {K} call
   * @param {Parameters<P[K]>} args
   * @param {Watch} [watch]
   * @returns {Promise<Awaited<ReturnType<P[K]>>>}
   * @throws {EngineError}
   */
  call(call, args, watch = {}) {
    const sent = { id: ++this.#lastId, call, args };
    this.#worker ??= this.#start();
    const { signal, patience = Infinity } = watch;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const cancel = () => {
      if (this.#begins) return this.#giveUp(sent.id);
      this.#worker?.postMessage({ cancel: sent.id });
      if (patience < Infinity) timer = setTimeout(() => this.#giveUp(sent.id), patience);
    };
    const answered = new Promise((resolve, reject) => {
      this.#pending.set(sent.id, { ...watch, sent, resolve, reject, onEvent: watch.onEvent });
      if (!this.#begins) this.#worker?.postMessage(sent);
    });
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel);
    return answered.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    });
  }

  /** Tells a worker that is there something that has no answer. @param {string} word */
  tell(word) {
    this.#worker?.postMessage({ tell: word });
  }

  /** Ends the worker; calls that wait are refused. @param {Fault} fault */
  end(fault) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#begins = false;
    this.first = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new EngineError(fault));
  }

  /**
   * Ends a call that was cancelled and has not answered. When it is the one that runs, its worker
   * ends with it, and another takes its place.
   * @param {number} id
   */
  #giveUp(id) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    const runs = [...this.#pending.values()].find(({ atOnce }) => !atOnce);
    this.#pending.delete(id);
    if (runs === pending && !this.#begins) this.#replace();
    pending.reject(new EngineError({ kind: "cancelled", message: say.cancelled(0) }));
  }

  #replace() {
    this.#worker?.terminate();
    this.#worker = this.#start();
    this.#begins = !!this.first;
    if (!this.first) return this.#sendPending();
    const [call, args] = this.first;
    // No call of the page has this number.
    this.#worker.postMessage({ id: 0, call, args });
  }

  #sendPending() {
    for (const { sent } of this.#pending.values()) this.#worker?.postMessage(sent);
  }

  #start() {
    const worker = this.#startWorker();
    let speaks = false;
    worker.onmessage = ({ data }) => {
      speaks = true;
      // The last words of a worker may come after its successor started.
      if (worker === this.#worker) this.#hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      if (speaks || event.message) this.#crash(event.message ?? "");
      else this.end({ kind: "crashed", message: say.notStarted() });
    };
    return worker;
  }

  /** @param {import("./messages.js").ToPage} answer */
  #hear(answer) {
    if ("crash" in answer) return this.#crash(answer.crash);
    if ("news" in answer) return this.#onNews(answer.news);
    if (answer.id === 0) return this.#hearFirst(answer);
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    if ("event" in answer) return pending.onEvent?.(answer.event);
    this.#pending.delete(answer.id);
    if ("fault" in answer) pending.reject(new EngineError(answer.fault));
    else pending.resolve(answer.value);
  }

  /**
   * Of a successor's first call every call that waits hears the events.
   * @param {Exclude<import("./messages.js").ToPage, { crash: string } | { news: any }>} answer
   */
  #hearFirst(answer) {
    if ("event" in answer) {
      for (const { onEvent } of this.#pending.values()) onEvent?.(answer.event);
    } else if ("fault" in answer) {
      this.end({ ...answer.fault, kind: "closed" });
    } else {
      this.#begins = false;
      this.#sendPending();
    }
  }

  /** @param {string} reason */
  #crash(reason) {
    this.end({ kind: "crashed", message: say.crashed(reason) });
  }
}
