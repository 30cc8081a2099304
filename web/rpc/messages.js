// The messages between a page (caller.js) and a worker that answers calls (server.js). The calls
// themselves are in engine/protocol.js and store/protocol.js.

/**
 * Calls by name, with their arguments and results.
 * @typedef {Record<string, (...args: any[]) => unknown>} Protocol
 *
 * What went wrong. `kind` is a stable name, `message` a sentence for the user, `field` the wrong
 * field of a request.
 * @typedef {{ kind: string, message: string, field?: string | undefined }} Fault
 *
 * Page to worker: a call; the cancel of a call, by its id; or a notification, which has no answer
 * (`tell`: as pages of earlier versions send it).
 * @typedef {{ id: number, call: string, args: any[] }
 *   | { cancel: number }
 *   | { notify: string }
 *   | { tell: string }} ToWorker
 *
 * Worker to page: an event of a call, its result or its fault. And two messages that belong to no
 * call: `crash`, the worker cannot go on; `news`, such as the worker's network requests.
 * @typedef {{ id: number, event: any }
 *   | { id: number, value: any }
 *   | { id: number, fault: Fault }
 *   | { crash: string }
 *   | { news: any }} ToPage
 */

/** A fault that a worker, the engine's or the store's, has reported, as an error. */
export class EngineError extends Error {
  /** @param {Fault} fault */
  constructor({ kind, message, field }) {
    super(message);
    this.name = "EngineError";
    this.kind = kind;
    this.field = field;
  }
}
