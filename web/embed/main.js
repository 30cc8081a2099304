// The page for frames of other sites: answers the messages of an allowed page around it. Messages
// of others are not answered, and nothing is sent before a message came.

import { Maker } from "../maker.js";
import { text } from "../strings/embed.js";
import { allowedHosts, isAllowed } from "./allowed.js";
import { VERSION } from "./protocol.js";
import { idOf, isOurs, read } from "./read.js";

/** @typedef {import("./protocol.js").ToPage} ToPage */
/** @typedef {import("../engine/protocol.js").Progress} Progress */

/** The site's folder: models of others are not opened. */
const BASE = new URL(".", document.baseURI).href;

const hosts = allowedHosts();
const maker = new Maker();
/** Images that are made or wait, by id. @type {Map<string, AbortController>} */
const running = new Map();

say(self === top ? text.alone() : hosts.length ? text.waiting(hosts) : text.nobody());
addEventListener("message", ({ data, origin, source }) => {
  if (self === top || source !== parent || !isAllowed(origin, hosts) || !isOurs(data)) return;
  say(text.works(origin));
  answer(data, (message, transfer = []) =>
    parent.postMessage({ darkroom: VERSION, ...message }, origin, transfer),
  );
});

/** Shows a sentence, for who sees the frame. @param {string} sentence */
function say(sentence) {
  const shown = document.getElementById("text");
  if (shown && shown.textContent !== sentence) shown.textContent = sentence;
}

/**
 * Without the version, which each message gets.
 * @template T
 * @typedef {T extends unknown ? Omit<T, "darkroom"> : never} Bare
 */

/** @typedef {(message: Bare<ToPage>, transfer?: Transferable[]) => void} Send */

/**
 * Does what a message asks.
 * @param {any} data
 * @param {Send} send to the page that sent it
 */
async function answer(data, send) {
  const id = idOf(data);
  try {
    const message = read(data, BASE);
    if (message.call === "hello") send({ event: "ready" });
    else if (message.call === "cancel") running.get(message.id)?.abort();
    else if (!running.has(message.id)) await generate(message, send);
    // Not with that id: the image that has it goes on.
    else send({ event: "error", id: null, fault: { kind: "request", message: text.taken(id) } });
  } catch (error) {
    send({ event: "error", id, fault: faultOf(error) });
  }
}

/**
 * @param {Extract<import("./protocol.js").ToFrame, { call: "generate" }>} message
 * @param {Send} send
 */
async function generate({ id, model, options = {}, request }, send) {
  const stop = new AbortController();
  running.set(id, stop);
  const onProgress = (/** @type {Progress} */ progress) =>
    send({ event: "progress", id, progress });
  try {
    const made = await maker.make(model, options, request, { onProgress, signal: stop.signal });
    const { width, height, png, safety } = made;
    send({ event: "picture", id, picture: { width, height, png, safety } }, [png.buffer]);
  } finally {
    running.delete(id);
  }
}

/** @param {any} error @returns {import("../rpc/messages.js").Fault} */
function faultOf(error) {
  // It was cancelled while it waited.
  if (error.name === "AbortError") return { kind: "cancelled", message: text.cancelled() };
  const { kind = "other", message = String(error), field } = error;
  return field === undefined ? { kind, message } : { kind, message, field };
}
