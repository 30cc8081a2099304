// Reads a message of another site: only its shape, and which files of this site it may name. The
// engine says what is wrong with a request, as it does everywhere.

import { EngineError } from "../rpc/messages.js";
import { text } from "../strings/embed.js";
import { CALLS, OPTIONS, VERSION } from "./protocol.js";

/** @typedef {import("./protocol.js").ToFrame} ToFrame */

const isObject = (/** @type {unknown} */ value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether it is a message for this page at all. @param {any} data */
export const isOurs = (data) => isObject(data) && "darkroom" in data;

/** A message's id, if it has one. @param {any} data @returns {string | null} */
export const idOf = (data) => (typeof data.id === "string" ? data.id : null);

/**
 * @param {any} data a message for this page
 * @param {string} base the site's folder
 * @returns {ToFrame} with the absolute address of the model
 * @throws {EngineError} of kind request
 */
export function read(data, base) {
  const { darkroom, call, id, model, options = {}, request } = data;
  if (darkroom !== VERSION) throw wrong(text.version(VERSION), "darkroom");
  if (!CALLS.includes(call)) throw wrong(text.call(CALLS), "call");
  if (call === "hello") return { darkroom: VERSION, call };
  if (idOf(data) === null) throw wrong(text.id(), "id");
  if (call === "cancel") return { darkroom: VERSION, call, id };
  if (!isObject(request)) throw wrong(text.request(), "request");
  const address = modelOf(model, base);
  return { darkroom: VERSION, call, id, model: address, options: optionsOf(options), request };
}

/** @param {unknown} model @param {string} base */
function modelOf(model, base) {
  const url = typeof model === "string" && URL.canParse(model, base) ? new URL(model, base) : null;
  if (!url?.href.startsWith(base)) throw wrong(text.model(base), "model");
  return url.href;
}

/** @param {any} options @returns {import("./protocol.js").Options} */
function optionsOf(options) {
  const names = isObject(options) ? Object.keys(options) : [""];
  const good = names.every(
    (name) => OPTIONS.some((one) => one === name) && typeof options[name] === "string",
  );
  if (!good) throw wrong(text.options(OPTIONS), "options");
  return options;
}

/** @param {string} message @param {string} field */
const wrong = (message, field) => new EngineError({ kind: "request", message, field });
