// The worker's side: answers calls by name, one at a time where they need the same device, and
// reports a crash to the page.

/** @typedef {import("./messages.js").ToPage} ToPage */
/** @typedef {import("./messages.js").ToWorker} ToWorker */

/**
 * What a handler gets with a call.
 * @typedef {object} Context
 * @property {(event: any, transfer?: Transferable[]) => void} emit sends an event to the caller
 * @property {AbortSignal} signal aborted when the caller cancels the call
 */

/**
 * The handlers of a protocol's calls.
 * @template {import("./messages.js").Protocol} P
 * @typedef {{ [K in keyof P]: (context: Context, ...args: Parameters<P[K]>) =>
 *   ReturnType<P[K]> | WithTransfer | Promise<ReturnType<P[K]> | WithTransfer> }} Handlers
 */

/** A result, and its buffers that are transferred to the page instead of copied. */
class WithTransfer {
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
 * A handler's result of which these buffers are transferred to the page.
 * @param {unknown} value
 * @param {Transferable[]} transfer
 */
export const withTransfer = (value, transfer) => new WithTransfer(value, transfer);

/**
 * Begins to answer calls. An error's `kind`, `message` and `field` go to the page.
 * @template {import("./messages.js").Protocol} P
 * @param {Handlers<P>} handlers
 * @param {object} [how]
 * @param {(call: string) => boolean} [how.queued] whether a call waits for those before it
 * @param {Record<string, () => void>} [how.notifications] handlers of messages without an answer
 */
export function serve(handlers, { queued = () => false, notifications = {} } = {}) {
  /** Calls that run or wait, by id. @type {Map<number, AbortController>} */
  const open = new Map();
  /** Resolved when all queued calls so far have ended. */
  let queue = Promise.resolve();

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
      if (answer instanceof WithTransfer) post({ id, value: answer.value }, answer.transfer);
      else post({ id, value: answer });
    } catch (error) {
      post({ id, fault: faultOf(error) });
    } finally {
      open.delete(id);
    }
  }

  self.addEventListener("message", (/** @type {MessageEvent<ToWorker>} */ { data }) => {
    // A tab that was open before an update of the page starts workers of the new version.
    if ("tell" in data) return notifications[data.tell]?.();
    if ("notify" in data) return notifications[data.notify]?.();
    if ("cancel" in data) return open.get(data.cancel)?.abort();
    open.set(data.id, new AbortController());
    if (queued(data.call)) queue = queue.then(() => run(data));
    else void run(data);
  });
  // After a panic in Rust the call that ran is never answered: the page must be told here.
  self.addEventListener("error", (event) => post({ crash: event.message }));
  self.addEventListener("unhandledrejection", (event) => post({ crash: String(event.reason) }));
}

/** Sends the page a message that belongs to no call. @param {unknown} news */
export const postNews = (news) => post({ news });

/** The error of a call that was cancelled. */
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
