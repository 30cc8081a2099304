// The ControlNets and T2I-Adapters of an image's text, as the field `controls` of the form. No text
// has their pictures: the user chooses them again.

import { lossText } from "../strings/losses.js";
import { PLAIN, readControls, writeControls } from "./control_choices.js";
import { hashDigits } from "./loras.js";

/** @typedef {import("./control_choices.js").ControlChoice} ControlChoice */

/** What other programs call what is made of a picture first. */
const MODULES = new Map([
  ["none", "none"],
  ["canny", "canny"],
  ["canny_image_processor", "canny"],
  ["invert", "invert"],
  ["invert (from white bg & black line)", "invert"],
]);

/** The thresholds of Canny's edges here. */
const [LOW, HIGH] = [100, 200];

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

/** A control of a list, whose file may have an extension and folders. */
const FILE = /^.*[\\/]|\.(safetensors|ckpt|pth?|bin)$/gi;

/**
 * Those of a line of a list, which names files.
 * @param {string} json
 * @param {string[]} [images] the keys of their pictures; without, they have none
 * @returns {string} empty where there is none
 * @throws {SyntaxError} if it is no such list
 */
export function listedControls(json, images = []) {
  const list = JSON.parse(json || "[]");
  if (!Array.isArray(list)) throw new SyntaxError(json);
  const given = list.map(({ file, sha256 = "", ...rest }, at) => ({
    ...{ ...rest, hash: sha256, image: images[at] ?? "" },
    name: String(file).replace(FILE, ""),
  }));
  return writeControls(readControls(JSON.stringify(given)));
}

/** @param {string} json @param {number} count */
function hashesIn(json, count) {
  const list = count ? JSON.parse(json) : [];
  return list.map((/** @type {any} */ { sha256 }) => firstDigits(sha256));
}

/** Of a recorded hash, as a choice has them; empty for what is none. @param {string} sha256 */
export const firstDigits = (sha256) => (/^[0-9a-f]{64}$/.test(sha256) ? hashDigits(sha256) : "");

/**
 * One with the name of its file, perhaps with folders and extension; `module`: what is made of its
 * picture first.
 * @param {Partial<ControlChoice>} one
 * @param {string} [module]
 * @returns {ControlChoice | null} null if it has no name, or a module that is not here
 */
export function controlOf({ name = "", ...rest }, module = "none") {
  const preprocess = MODULES.get(module.trim().toLowerCase() || "none");
  const own = name.replace(/^.*[\\/]/, "").replace(/\.(safetensors|ckpt|pth?|bin)$/i, "");
  if (!own || own.toLowerCase() === "none" || !preprocess) return null;
  const given = Object.entries(rest).filter(([, value]) => value !== "");
  return { ...PLAIN, ...Object.fromEntries(given), name: own, preprocess };
}

/**
 * A field of the extension sd-webui-controlnet: `Module: canny, Model: control_v11p_sd15_canny
 * [d14c016b], Weight: 1, Guidance Start: 0, Guidance End: 1, Control Mode: Balanced, …`. The digits
 * there are of another hash than a file's SHA-256. Older ones have `starting/ending: (0, 1)` and
 * `preprocessor params: (512, 100, 200)`.
 * @param {string} text
 * @returns {{ unit: ControlChoice, lost: [string, string][] } | null} null if it names no model, or
 * a preprocessor that is not here; `lost`: settings of it that are not taken over
 */
export function readUnit(text) {
  const fields = new Map(
    text.split(/,\s*(?=[A-Za-z][A-Za-z /]*:)/).map((part) => {
      const at = part.indexOf(":");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()];
    }),
  );
  const value = (/** @type {string} */ name) => fields.get(name) ?? "";
  const [start = "", end = ""] = value("starting/ending").match(/[\d.]+/g) ?? [];
  const [resolution = "", low = "", high = ""] =
    value("preprocessor params").match(/-?[\d.]+/g) ?? [];
  const mode = value("control mode");
  const guess = /ControlNet is more important/i.test(mode);
  const unit = controlOf(
    {
      name: value("model").replace(/\s*\[[0-9a-f]*\]$/i, ""),
      weight: value("weight"),
      start: value("guidance start") || start,
      end: value("guidance end") || end,
      guess,
    },
    value("module") || value("preprocessor"),
  );
  if (!unit) return null;
  const isCanny = unit.preprocess === "canny";
  /** @type {[string, string][]} */
  const settings = [
    ["Control Mode", guess || /^balanced$/i.test(mode) ? "" : mode],
    ["Resize Mode", /^just resize$/i.test(value("resize mode")) ? "" : value("resize mode")],
    ["Pixel Perfect", /^true$/i.test(value("pixel perfect")) ? "True" : ""],
    ["Processor Res", isCanny ? value("processor res") || resolution : ""],
    ["Threshold A", isCanny ? besides(value("threshold a") || low, LOW) : ""],
    ["Threshold B", isCanny ? besides(value("threshold b") || high, HIGH) : ""],
    ["Hr Option", /^both$/i.test(value("hr option")) ? "" : value("hr option")],
  ];
  return { unit, lost: settings.filter(([, shown]) => shown && shown !== "-1") };
}

/** A number, unless it is this program's own. @param {string} text @param {number} own */
const besides = (text, own) => (text === "" || Number(text) === own ? "" : text);

/**
 * What of units is not taken over, and that none has its picture.
 * @param {string[]} lost
 * @param {unknown[]} units
 */
export const controlLosses = (lost, units) => [
  ...lost,
  ...(units.length ? [lossText.controlImages()] : []),
];
