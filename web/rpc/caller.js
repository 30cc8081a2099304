// The page's side of a worker: a promise for each call, events while it runs, cancel by
// AbortSignal. A worker that crashed is replaced at the next call. A worker that does not react to
// a cancel in time is ended and replaced; calls that wait are sent to the new worker.

import { say } from "../strings.js";
import { EngineError } from "./messages.js";

/** @typedef {import("./messages.js").Fault} Fault */
/** @typedef {{ id: number, call: string, args: any[] }} Sent the message of a call */

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
 * @property {AbortSignal | undefined} [signal] cancels the call
 * @property {number} [patience] milliseconds from a cancel until the worker is replaced, if it has
 * not answered by then
 * @property {boolean} [atOnce] whether the worker answers the call while another one runs
 */

/** Calls to one worker. @template {import("./messages.js").Protocol} P */
export class Caller {
  /**
   * The call (name, arguments) that a replacement worker gets before any other, such as `open`.
   * @type {[string, any[]] | null}
   */
  setup = null;
  #startWorker;
  #onNews;
  /** @type {Worker | null} */
  #worker = null;
  /** Calls that run or wait, in order, by id. @type {Map<number, Pending & Watch>} */
  #pending = new Map();
  #lastId = 0;
  /** Whether a replacement worker is still doing `setup`; waiting calls are sent after it. */
  #reopening = false;

  /**
   * @param {object} about
   * @param {() => Worker} about.start
   * @param {(news: any) => void} [about.onNews] gets messages that belong to no call
   */
  constructor({ start, onNews = () => {} }) {
    this.#startWorker = start;
    this.#onNews = onNews;
  }

  /**
   * Calls the worker, and starts it first if there is none.
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
      if (this.#reopening) return this.#giveUp(sent.id);
      this.#worker?.postMessage({ cancel: sent.id });
      if (patience < Infinity) timer = setTimeout(() => this.#giveUp(sent.id), patience);
    };
    const answered = new Promise((resolve, reject) => {
      this.#pending.set(sent.id, { ...watch, sent, resolve, reject, onEvent: watch.onEvent });
      if (!this.#reopening) this.#worker?.postMessage(sent);
    });
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel);
    return answered.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    });
  }

  /** Sends a message without an answer, if there is a worker. @param {string} name */
  notify(name) {
    this.#worker?.postMessage({ notify: name });
  }

  /** Ends the worker; calls that run or wait are rejected. @param {Fault} fault */
  end(fault) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#reopening = false;
    this.setup = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new EngineError(fault));
  }

  /**
   * Rejects a call that was cancelled and not answered. If it is the call that runs, the worker is
   * replaced.
   * @param {number} id
   */
  #giveUp(id) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    const runs = [...this.#pending.values()].find(({ atOnce }) => !atOnce);
    this.#pending.delete(id);
    if (runs === pending && !this.#reopening) this.#replace();
    pending.reject(new EngineError({ kind: "cancelled", message: say.cancelled(0) }));
  }

  #replace() {
    this.#worker?.terminate();
    this.#worker = this.#start();
    this.#reopening = !!this.setup;
    if (!this.setup) return this.#sendPending();
    const [call, args] = this.setup;
    // No other call has the number 0.
    this.#worker.postMessage({ id: 0, call, args });
  }

  #sendPending() {
    for (const { sent } of this.#pending.values()) this.#worker?.postMessage(sent);
  }

  #start() {
    const worker = this.#startWorker();
    /** Whether the worker has sent a message, so that its script did load. */
    let started = false;
    worker.onmessage = ({ data }) => {
      started = true;
      // The last messages of a replaced worker may come late.
      if (worker === this.#worker) this.#hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      if (started || event.message) this.#crash(event.message ?? "");
      else this.end({ kind: "crashed", message: say.notStarted() });
    };
    return worker;
  }

  /** @param {import("./messages.js").ToPage} answer */
  #hear(answer) {
    if ("crash" in answer) return this.#crash(answer.crash);
    if ("news" in answer) return this.#onNews(answer.news);
    if (answer.id === 0) return this.#hearSetup(answer);
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    if ("event" in answer) return pending.onEvent?.(answer.event);
    this.#pending.delete(answer.id);
    if ("fault" in answer) pending.reject(new EngineError(answer.fault));
    else pending.resolve(answer.value);
  }

  /**
   * Handles an answer to `setup`. Its events go to all calls that wait.
   * @param {Exclude<import("./messages.js").ToPage, { crash: string } | { news: any }>} answer
   */
  #hearSetup(answer) {
    if ("event" in answer) {
      for (const { onEvent } of this.#pending.values()) onEvent?.(answer.event);
    } else if ("fault" in answer) {
      this.end({ ...answer.fault, kind: "closed" });
    } else {
      this.#reopening = false;
      this.#sendPending();
    }
  }

  /** @param {string} reason */
  #crash(reason) {
    this.end({ kind: "crashed", message: say.crashed(reason) });
  }
}
