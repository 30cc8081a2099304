// Reads and writes the part of the page's URL after #: the model, how to open it, and fields of the
// form. This part of a URL is never sent to a server. The form writes its fields into it, so that
// the URL is a link to the present form.

import { PARTS } from "./engine/protocol.js";
import { present } from "./files/fields.js";
import { say } from "./strings.js";
import { remember, remembered } from "./storage/settings.js";

/** The built-in model. */
export const MODEL = "models/demo";
/** A model in a single file has no tokenizer; this is the one of Stable Diffusion v1. */
const TOKENIZER = `${MODEL}/tokenizer`;
/** How names of single-file checkpoints end. */
const CHECKPOINT = /\.(safetensors|ckpt|gguf)$/;

/** Names that are not fields of a request: the model, how to open it, the view (`room`). */
const HOW = [
  ...["precision", "weights", "device", "memory", "safety", "kernels"],
  ...["tokenizer", "rest", "prediction", "decoder", ...PARTS],
];
const OURS = ["model", "room", ...HOW];
/** Of these, what a link does not have: the view, and files that only this browser stores. */
const SELDOM = ["room", ...PARTS];
/** The most characters of a link: longer URLs are cut by some programs. */
const LINK_MAX = 8000;
/** The view of a URL that names none. */
const FIRST = "create";
/** Its name in older links. */
const FIRST_BEFORE = "develop";
/** Options that depend on the device; they stay when the user chooses another model. */
export const KEPT = ["precision", "weights", "device", "memory", "safety", "kernels"];

/** All names and values of the present URL. */
function read() {
  return [...new URLSearchParams(location.hash.slice(1))];
}

/**
 * @returns {{ model: string, how: import("./engine/protocol.js").Options, view: string, fields:
 * [string, string][] }}
 */
export function readOptions() {
  const entries = read();
  const all = Object.fromEntries(entries);
  const kernels = remembered("kernels");
  const how = {
    ...(kernels ? { kernels } : {}),
    ...Object.fromEntries(entries.filter(([name]) => HOW.includes(name))),
  };
  return {
    // A slash at the end makes no other model of it.
    model: all["model"]?.replace(/\/+$/, "") ?? MODEL,
    how,
    view: viewOf(all["room"]),
    fields: entries.filter(([name]) => !OURS.includes(name)).map(present),
  };
}

/**
 * Writes another model into the URL. Options that depend on the device stay, unless `how` has them.
 * @param {string} model
 * @param {import("./engine/protocol.js").Options} how
 */
export function chooseModel(model, how) {
  const kept = read().filter(([name]) => KEPT.includes(name));
  const words = new URLSearchParams([["model", model], ...kept, ...Object.entries(how)]);
  location.hash = words.toString();
}

/**
 * Writes an option of opening models into the URL; null removes it.
 * @param {string} name
 * @param {string | null} value
 */
export function chooseOption(name, value) {
  const rest = read().filter(([other]) => other !== name);
  const words = new URLSearchParams(value === null ? rest : [...rest, [name, value]]);
  // Not by `location.hash = …`: that would fill the form from the URL and lose typed text.
  history.replaceState(history.state, "", `#${words}`);
}

/**
 * Stores with which kernels models are opened from now on. It replaces the choice in the URL.
 * @param {"fixed" | "tuned"} kernels
 */
export function chooseKernels(kernels) {
  remember("kernels", kernels === "tuned" ? kernels : null);
  const rest = read().filter(([name]) => name !== "kernels");
  history.replaceState(history.state, "", `#${new URLSearchParams(rest)}`);
}

/**
 * The fields that fit into a link; the longest are left out.
 * @param {[string, string][]} fields
 */
export function linkFields(fields) {
  const kept = [...fields];
  const length = () => new URLSearchParams(kept).toString().length;
  while (kept.length && length() > LINK_MAX) {
    const longest = Math.max(...kept.map(([, value]) => value.length));
    kept.splice(
      kept.findIndex(([, value]) => value.length === longest),
      1,
    );
  }
  return kept;
}

/** The page's URL with these names and values. @param {[string, string][]} entries */
function address(entries) {
  const hash = new URLSearchParams(entries).toString();
  return `${location.href.split("#")[0]}${hash ? `#${hash}` : ""}`;
}

/**
 * A link to this page with these fields.
 * @param {[string, string][]} fields the longest may be left out
 * @param {string} [model] instead of the model in the present URL
 */
export function linkTo(fields, model) {
  const shared = (/** @type {string} */ name) => !SELDOM.includes(name);
  const ours = read().filter(([name]) => OURS.includes(name) && shared(name));
  const others = ours.filter(([name]) => name !== "model");
  /** @type {[string, string][]} */
  const named = model === MODEL ? others : [["model", model ?? ""], ...others];
  return address([...(model === undefined ? ours : named), ...linkFields(fields)]);
}

/**
 * The present URL with another view.
 * @param {string} view
 */
export function addressOf(view) {
  const others = read().filter(([name]) => name !== "room");
  return address(view === FIRST ? others : [["room", view], ...others]);
}

/**
 * The view of a name in a URL or in the history; a name of older links is translated.
 * @param {string} [name]
 */
export function viewOf(name = FIRST) {
  return name === FIRST_BEFORE ? FIRST : name;
}

/**
 * Whether the URL is a link that the page has not followed yet: `hashchange` comes a moment after
 * the URL has changed, and then the place is written into the history (tab/places.js).
 */
export const isNewLink = () => history.state === null;

/**
 * Writes the form's fields into the URL, without a new entry in the history.
 * @param {[string, string][]} fields
 */
export function writeOptions(fields) {
  const ours = read().filter(([name]) => OURS.includes(name));
  const link = address([...ours, ...linkFields(fields)]);
  if (link !== location.href) history.replaceState(history.state, "", link);
}

/**
 * The absolute URL of a model's folder or single file, which must be on this site. `stored/ID`, a
 * model in the browser's storage, becomes `stored:ID`.
 * @param {string} model
 */
export function modelAddress(model) {
  if (model.startsWith("stored/")) return model.replace("/", ":");
  const path = CHECKPOINT.test(model) ? model : `${model.replace(/\/+$/, "")}/`;
  const url = new URL(path, document.baseURI);
  if (url.origin !== location.origin) throw new Error(say.foreignModel(model));
  return url.href;
}

/**
 * The absolute URLs of the parts that stand in for those of a model.
 * @param {import("./engine/protocol.js").Options} how
 */
export function partAddresses(how) {
  const given = PARTS.flatMap((part) => {
    const file = how[part];
    return file ? [[part, modelAddress(file)]] : [];
  });
  return Object.fromEntries(given);
}

/**
 * The same options without parts of other files.
 * @param {import("./engine/protocol.js").Options} how
 */
export function withoutParts(how) {
  const rest = { ...how };
  for (const part of PARTS) delete rest[part];
  return rest;
}

/**
 * The absolute URL of the tokenizer for a model in a single file.
 * @param {import("./engine/protocol.js").Options} how
 */
export function tokenizerAddress({ tokenizer = TOKENIZER }) {
  return modelAddress(tokenizer);
}
