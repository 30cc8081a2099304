// The messages between a page and a worker that answers calls; caller.js sends the ones, server.js
// the others. What the calls of a worker are says its protocol: engine/protocol.js,
// store/protocol.js.

/**
 * Calls by name: what each is given and what it answers.
 * @typedef {Record<string, (...args: any[]) => unknown>} Protocol
 *
 * What went wrong: `kind` is a stable name, `message` a sentence, `field` the field of a request.
 * @typedef {{ kind: string, message: string, field?: string | undefined }} Fault
 *
 * Page to worker: a call, the end of one, or a word that has no answer.
 * @typedef {{ id: number, call: string, args: any[] }
 *   | { cancel: number }
 *   | { tell: string }} ToWorker
 *
 * Worker to page: what a call tells on its way, how it ended; or about the worker itself, its own
 * news and its last words.
 * @typedef {{ id: number, event: any }
 *   | { id: number, value: any }
 *   | { id: number, fault: Fault }
 *   | { crash: string }
 *   | { news: any }} ToPage
 */

/** A fault that a worker reported, told in a sentence. */
export class EngineError extends Error {
  /** @param {Fault} fault */
  constructor({ kind, message, field }) {
    super(message);
    this.name = "EngineError";
    this.kind = kind;
    this.field = field;
  }
}
