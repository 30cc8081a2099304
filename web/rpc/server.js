// The worker's side: answers calls by name, one at a time where they need the same device, and
// tells the page when it cannot go on.

/** @typedef {import("./messages.js").ToPage} ToPage */
/** @typedef {import("./messages.js").ToWorker} ToWorker */

/**
 * A call that runs.
 * @typedef {object} Context
 * @property {(event: any, transfer?: Transferable[]) => void} emit tells the caller on the way
 * @property {AbortSignal} signal aborted when the caller cancels it
 */

/**
 * What answers the calls of a protocol.
 * @template {import("./messages.js").Protocol} P
 * @typedef {{ [K in keyof P]: (context: Context, ...args: Parameters<P[K]>) =>
 *   ReturnType<P[K]> | Moved | Promise<ReturnType<P[K]> | Moved> }} Handlers
 */

/** An answer with what of it moves to the page instead of being copied. */
class Moved {
  /**
   * @param {unknown} value
   * @param {Transferable[]} transfer
   */
  constructor(value, transfer) {
    this.value = value;
    this.transfer = transfer;
  }
}

/**
 * An answer of which these buffers move to the page.
 * @param {unknown} value
 * @param {Transferable[]} transfer
 */
export const moving = (value, transfer) => new Moved(value, transfer);

/**
 * Answers calls from now on. A fault's `kind` and `field` go to the page with its message.
 * @template {import("./messages.js").Protocol} P
 * @param {Handlers<P>} handlers
 * @param {object} [how]
 * @param {(call: string) => boolean} [how.inTurn] whether a call waits for those before it
 * @param {Record<string, () => void>} [how.words] what is told without an answer
 */
export function serve(handlers, { inTurn = () => false, words = {} } = {}) {
  /** Those that run or wait. @type {Map<number, AbortController>} */
  const open = new Map();
  let turn = Promise.resolve();

  /** @param {{ id: number, call: string, args: any[] }} message */
  async function run({ id, call, args }) {
    const controller = /** @type {AbortController} */ (open.get(id));
    const { signal } = controller;
    /** @type {Context["emit"]} */
    const emit = (event, transfer) => post({ id, event }, transfer);
    try {
      if (signal.aborted) throw cancelled();
      const handler = handlers[call];
      if (!handler) throw new Error(`This worker has no call "${call}".`);
      const answer = await handler({ emit, signal }, .../** @type {any} */ (args));
      if (answer instanceof Moved) post({ id, value: answer.value }, answer.transfer);
      else post({ id, value: answer });
    } catch (error) {
      post({ id, fault: faultOf(error) });
    } finally {
      open.delete(id);
    }
  }

  self.addEventListener("message", (/** @type {MessageEvent<ToWorker>} */ { data }) => {
    if ("tell" in data) return words[data.tell]?.();
    if ("cancel" in data) return open.get(data.cancel)?.abort();
    open.set(data.id, new AbortController());
    if (inTurn(data.call)) turn = turn.then(() => run(data));
    else void run(data);
  });
  // A panic in Rust leaves the call that ran unanswered for ever: the page must hear of it here.
  self.addEventListener("error", (event) => post({ crash: event.message }));
  self.addEventListener("unhandledrejection", (event) => post({ crash: String(event.reason) }));
}

/** Tells the page something of this worker itself. @param {unknown} what */
export const tellNews = (what) => post({ news: what });

/** What a call that was cancelled ends with. */
export const cancelled = () => Object.assign(new Error("Cancelled."), { kind: "cancelled" });

/**
 * @param {any} error
 * @returns {import("./messages.js").Fault}
 */
function faultOf(error) {
  const { kind = "other", message = String(error), field } = error;
  return { kind, message, field };
}

/**
 * @param {ToPage} message
 * @param {Transferable[]} [transfer]
 */
function post(message, transfer = []) {
  self.postMessage(message, { transfer });
}
