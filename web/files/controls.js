// The ControlNets and T2I-Adapters of an image's text, as the field `controls` of the form. No text
// has their pictures: the user chooses them again.

import { PLAIN, readControls, writeControls } from "./control_choices.js";

/** How many digits of a hash are kept. */
const DIGITS = 12;

/** What other programs call what is made of a picture first. */
const MODULES = new Map([
  ["none", "none"],
  ["canny", "canny"],
  ["invert", "invert"],
  ["invert (from white bg & black line)", "invert"],
]);

/**
 * Those of this program's record (`darkroom-controls`).
 * @param {string | undefined} json
 * @returns {string} empty if it has none
 */
export function recordedControls(json) {
  const own = readControls(json ?? "");
  const hashes = hashesIn(json ?? "[]", own.length);
  return writeControls(
    own.map((one, at) => ({ ...one, image: "", drawn: false, hash: hashes[at] ?? "" })),
  );
}

/** @param {string} json @param {number} count */
function hashesIn(json, count) {
  const list = count ? JSON.parse(json) : [];
  return list.map((/** @type {any} */ { sha256 }) => firstDigits(sha256));
}

/** Of a recorded hash, as a choice has them; empty for what is none. @param {string} sha256 */
export const firstDigits = (sha256) =>
  /^[0-9a-f]{64}$/.test(sha256) ? sha256.slice(0, DIGITS) : "";

/**
 * A field of the extension sd-webui-controlnet: `Module: canny, Model: control_v11p_sd15_canny
 * [d14c016b], Weight: 1, Guidance Start: 0, Guidance End: 1, Control Mode: Balanced, …`. The digits
 * there are of another hash than a file's SHA-256.
 * @param {string} text
 * @returns {import("./control_choices.js").ControlChoice | null} null if it names no model, or a
 * preprocessor that is not here
 */
export function readUnit(text) {
  const fields = new Map(
    text.split(/,\s*(?=[A-Z][A-Za-z ]*:)/).map((part) => {
      const at = part.indexOf(":");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()];
    }),
  );
  const value = (/** @type {string} */ name) => fields.get(name) ?? "";
  const preprocess = MODULES.get(value("module").toLowerCase() || "none");
  const name = value("model").replace(/\s*\[[0-9a-f]*\]$/i, "");
  if (!name || name.toLowerCase() === "none" || !preprocess) return null;
  return {
    ...{ ...PLAIN, name, preprocess },
    weight: value("weight") || PLAIN.weight,
    start: value("guidance start") || PLAIN.start,
    end: value("guidance end") || PLAIN.end,
    guess: /ControlNet is more important/i.test(value("control mode")),
  };
}
