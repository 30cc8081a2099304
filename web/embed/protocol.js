// Types of the messages between a page and embed.html in a frame of it. Each has `darkroom: 1`, the
// version of these messages.

/**
 * Options of Engine.open that another site may choose: none of them is an address.
 * @typedef {Pick<import("../engine/protocol.js").Options,
 *   "device" | "memory" | "precision" | "safety" | "weights">} Options
 *
 * Page to frame, after the frame's event `load`. `hello` asks whether the page may ask. `generate`
 * makes an image: `model` is the address of a folder or file of the frame's own site, from
 * embed.html; `id` is the page's own name for it, which no other running one may have. `cancel`
 * stops it.
 * @typedef {{ darkroom: 1, call: "hello" }
 *   | { darkroom: 1, call: "generate", id: string, model: string, options?: Options,
 *       request: import("../engine/protocol.js").Request }
 *   | { darkroom: 1, call: "cancel", id: string }} ToFrame
 *
 * Frame to page: the answer to `hello`; and, with the id of a `generate`, its progress, and at last
 * either its picture (of a request with a count, the last one) or what went wrong: `cancelled`, or
 * a kind of docs/troubleshooting.md. What is wrong with a message is an error as well, with its id
 * if it has one.
 * @typedef {{ darkroom: 1, event: "ready" }
 *   | { darkroom: 1, event: "progress", id: string,
 *       progress: import("../engine/protocol.js").Progress }
 *   | { darkroom: 1, event: "picture", id: string, picture: Picture }
 *   | { darkroom: 1, event: "error", id: string | null,
 *       fault: import("../rpc/messages.js").Fault }} ToPage
 *
 * @typedef {Pick<import("../engine/protocol.js").Picture, "width" | "height" | "png" | "safety">
 *   } Picture
 */

/** The version of the messages. */
export const VERSION = 1;

/** Calls that a page may make. */
export const CALLS = /** @type {const} */ (["hello", "generate", "cancel"]);

/** Names of the options. @type {readonly (keyof Options)[]} */
export const OPTIONS = ["device", "memory", "precision", "safety", "weights"];
