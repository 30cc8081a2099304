// What the address says after its #: the model, how to open it, and fields of the form. This part
// of an address is never sent to a server.

import { say } from "./strings.js";

const MODEL = "models/demo";

/**
 * @returns {{ model: string, how: import("./engine/protocol.js").Options, fields: [string,
 * string][] }}
 */
export function readOptions() {
  const { model = MODEL, ...rest } = Object.fromEntries(
    new URLSearchParams(location.hash.slice(1)),
  );
  /** @type {Record<string, string>} */
  const how = {};
  for (const name of ["precision", "weights", "device"]) {
    if (rest[name] !== undefined) how[name] = rest[name];
  }
  return { model, how, fields: Object.entries(rest) };
}

/**
 * The full address of a model's folder, which must be of this site.
 * @param {string} model
 */
export function modelAddress(model) {
  const url = new URL(`${model.replace(/\/+$/, "")}/`, document.baseURI);
  if (url.origin !== location.origin) throw new Error(say.foreignModel(model));
  return url.href;
}
