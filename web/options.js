// What the address says after its #: the model, how to open it, fields of the form. This part of an
// address is never sent to a server. The form writes its fields back, so that the address is a link
// to what is seen.

import { say } from "./strings.js";
import { remember, remembered } from "./views/dom.js";

/** The built-in model. */
export const MODEL = "models/demo";
/** A single file brings no tokenizer; this is that of Stable Diffusion v1. */
const TOKENIZER = `${MODEL}/tokenizer`;
/** How names of single-file checkpoints end. */
const CHECKPOINT = /\.(safetensors|ckpt|gguf)$/;

/** What is no field of a request: the model, how to open it, and which room to show. */
const HOW = ["precision", "weights", "device", "safety", "kernels", "tokenizer", "rest"];
const OURS = ["model", "room", ...HOW];
/** What is about the device and not about one model. */
const KEPT = ["precision", "weights", "device", "safety", "kernels"];

/** What the address said about the model; the form never changes it. */
function read() {
  return [...new URLSearchParams(location.hash.slice(1))];
}

/**
 * @returns {{ model: string, how: import("./engine/protocol.js").Options, room: string, fields:
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
    room: all["room"] ?? "",
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
 * The address of this page with these fields, as a link to give away.
 * @param {[string, string][]} fields
 */
export function linkTo(fields) {
  const kept = read().filter(([name]) => OURS.includes(name) && name !== "room");
  const hash = new URLSearchParams([...kept, ...fields]).toString();
  return `${location.href.split("#")[0]}${hash ? `#${hash}` : ""}`;
}

/**
 * Brings the address up to date, without a step back in the history for it.
 * @param {[string, string][]} fields
 */
export function writeOptions(fields) {
  const link = linkTo(fields);
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
