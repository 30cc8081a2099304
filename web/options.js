// What the address says after its #: the model, how to open it, fields of the form. This part of an
// address is never sent to a server. The form writes its fields back, so that the address is a link
// to what is seen.

import { say } from "./strings.js";
import { remember, remembered } from "./storage/settings.js";

/** The built-in model. */
export const MODEL = "models/demo";
/** A single file brings no tokenizer; this is that of Stable Diffusion v1. */
const TOKENIZER = `${MODEL}/tokenizer`;
/** How names of single-file checkpoints end. */
const CHECKPOINT = /\.(safetensors|ckpt|gguf)$/;

/** What is no field of a request: the model, how to open it, and which view to show. */
const HOW = [
  ...["precision", "weights", "device", "safety", "kernels", "tokenizer", "rest", "prediction"],
];
const OURS = ["model", "room", ...HOW];
/** Characters of an address that programs pass on whole. */
const LINK_MAX = 8000;
/** The view that an address does not name. */
const FIRST = "create";
/** What it was called in older links. */
const FIRST_BEFORE = "develop";
/** What is about the device and not about one model. */
const KEPT = ["precision", "weights", "device", "safety", "kernels"];

/** What the address said about the model; the form never changes it. */
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
    model: all["model"] ?? MODEL,
    how,
    view: viewOf(all["room"]),
    fields: entries.filter(([name]) => !OURS.includes(name)),
  };
}

/**
 * Goes to another model; how models are opened stays as it is, but for what `how` says.
 * @param {string} model
 * @param {import("./engine/protocol.js").Options} how
 */
export function chooseModel(model, how) {
  const kept = read().filter(([name]) => KEPT.includes(name));
  const words = new URLSearchParams([["model", model], ...kept, ...Object.entries(how)]);
  location.hash = words.toString();
}

/**
 * Keeps which kernels models are opened with from now on, in this browser; an address that says it
 * too gives way.
 * @param {"fixed" | "tuned"} kernels
 */
export function chooseKernels(kernels) {
  remember("kernels", kernels === "tuned" ? kernels : null);
  const rest = read().filter(([name]) => name !== "kernels");
  history.replaceState(history.state, "", `#${new URLSearchParams(rest)}`);
}

/**
 * Fields as far as a link has room for them: the longest are left out.
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

/** @param {[string, string][]} entries */
function address(entries) {
  const hash = new URLSearchParams(entries).toString();
  return `${location.href.split("#")[0]}${hash ? `#${hash}` : ""}`;
}

/**
 * The address of this page with these fields, as a link to give away.
 * @param {[string, string][]} fields those that are too long are left out
 * @param {string} [model] another one than the address names
 */
export function linkTo(fields, model) {
  const ours = read().filter(([name]) => OURS.includes(name) && name !== "room");
  const others = ours.filter(([name]) => name !== "model");
  /** @type {[string, string][]} */
  const named = model === MODEL ? others : [["model", model ?? ""], ...others];
  return address([...(model === undefined ? ours : named), ...linkFields(fields)]);
}

/**
 * The present address, but for the view that it names.
 * @param {string} view
 */
export function addressOf(view) {
  const others = read().filter(([name]) => name !== "room");
  return address(view === FIRST ? others : [["room", view], ...others]);
}

/** The view that an address or an entry of the history names. @param {string} [name] */
export function viewOf(name = FIRST) {
  return name === FIRST_BEFORE ? FIRST : name;
}

/**
 * Brings the address up to date, without a step back in the history for it.
 * @param {[string, string][]} fields
 */
export function writeOptions(fields) {
  const ours = read().filter(([name]) => OURS.includes(name));
  const link = address([...ours, ...linkFields(fields)]);
  if (link !== location.href) history.replaceState(history.state, "", link);
}

/**
 * The full address of a model's folder or single file, which must be of this site; `stored/ID` is a
 * model of the browser's storage.
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
 * The full address of the tokenizer that a single file is read with.
 * @param {import("./engine/protocol.js").Options} how
 */
export function tokenizerAddress({ tokenizer = TOKENIZER }) {
  return modelAddress(tokenizer);
}
