// The checkpoints and parts that a grid can go through: the one that is chosen on the page, the
// built-in model, and what this browser stores.

import { PARTS } from "../engine/protocol.js";
import { MODEL } from "../options.js";
import { kindOf } from "../store/addons.js";
import { theStore } from "../store/shared.js";
import { batchText as text } from "../strings/batch.js";

/** @typedef {import("./choices.js").Models} Models */
/** @typedef {import("./choices.js").Named} Named */

/**
 * @param {string} present the address of the page's model
 * @returns {Promise<Models>}
 */
export async function listModels(present) {
  // Where storage is blocked none are stored.
  const all = await theStore()
    .list()
    .catch(() => []);
  const stored = (/** @type {import("../store/protocol.js").Kind} */ kind) =>
    all
      .filter((model) => model.complete && kindOf(model) === kind)
      .map(({ manifest: { id, title } }) => /** @type {Named[0]} */ ([`stored/${id}`, title]));
  const name = present.replace(/\/+$/, "").split("/").pop() || present;
  /** The page's own comes first: it is open already. @type {Named} */
  const own = present ? [[present, name]] : [];
  const known = new Map([...own, [MODEL, text.builtIn()], ...stored("model")]);
  return {
    models: [...known],
    parts: Object.fromEntries(PARTS.map((part) => [part, stored(part)])),
  };
}
