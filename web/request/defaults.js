// The fields of the form with their defaults, and what of a request differs from them.

import { fieldsOf } from "../files/fields.js";
import { EXAMPLES } from "../strings/demo.js";

/** The form's fields with their defaults. */
export const DEFAULTS = new Map([
  ["prompt", EXAMPLES[0] ?? ""],
  ["negative_prompt", ""],
  ["steps", "20"],
  ["guidance_scale", "7.5"],
  ["width", ""],
  ["height", ""],
  ["seed", ""],
  ["sampler", "ddim"],
  ["eta", "0"],
  ["karras", ""],
  ["rng", "torch"],
  ["count", "1"],
  ["spacing", ""],
  ["clip_skip", "1"],
  ["long_prompt", "truncate"],
  ["prompt_weights", "false"],
  ["clean", "false"],
  ["guidance_interval", "[0,1]"],
  ["cache_interval", "1"],
  ["token_merging_ratio", "0"],
  ["strength", "0.8"],
]);

/** Names that the engine and links use for fields, where they differ from the form's. */
const ALIASES = new Map([
  ["negative", "negative_prompt"],
  ["guidance", "guidance_scale"],
  ["initial_picture", "initial-file"],
]);

/** @param {string} name */
export const fieldName = (name) => ALIASES.get(name) ?? name.replaceAll(" ", "_");

/**
 * What of a request differs from the defaults, for a link to its picture.
 * @param {import("../engine/protocol.js").Request} request
 * @returns {[string, string][]}
 */
export function linkOf(request) {
  return fieldsOf({ ...request }).filter(
    ([name, value]) => value !== (DEFAULTS.get(name) ?? "") && name !== "strength",
  );
}
