// What this program's own text in AUTOMATIC1111's format says in that program's words, or beyond
// them. The native program reads it in the same way (crate/src/request/infotext.rs).

import { lossText } from "../strings/losses.js";
import { parseParameters } from "./parameters.js";

/** @typedef {(name: string) => string} Value of a setting; empty without it */

/** Tags of LoRAs at the end of a prompt. */
const TAG_AT_END = /<lora:[^<>]*>$/;

/** The most tags that are looked for. */
const TAGS_MAX = 1000;

/**
 * A prompt without the tags that are not its own: the web UI knows LoRAs from them alone.
 * @param {string} prompt
 * @param {Value} value
 */
export function withoutAddedTags(prompt, value) {
  const count = Math.min(Number(value("Added LoRA tags")) || 0, TAGS_MAX);
  let rest = prompt;
  for (let i = 0; i < count; i++) {
    const end = rest.trimEnd();
    const tag = end.endsWith(">") ? TAG_AT_END.exec(end.slice(end.lastIndexOf("<lora:"))) : null;
    if (!tag) break;
    rest = end.slice(0, -tag[0].length).trimEnd();
  }
  return rest;
}

/**
 * The schedule of sigma: what the request says, where the web UI's word would not say it.
 * @param {Value} value
 */
export function ownSchedule(value) {
  const own = value("Noise levels");
  if (own) return own === "model" ? "" : own;
  return value("Schedule type");
}

/**
 * What the text of an image says that a request cannot: that its steps were ended early.
 * @param {string} text
 */
export function ownLosses(text) {
  const early = new Map(parseParameters(text).fields).get("Ended early");
  return early ? [lossText.setting("Ended early", early)] : [];
}

/**
 * Fields by the web UI's words.
 * @param {Value} value
 * @returns {[string, string][]}
 */
export function ownFields(value) {
  const content = value("Masked content");
  return [
    ["eta", value("Eta DDIM") || value("Eta")],
    ["masked_content", content === "latent noise" ? "noise" : content],
  ];
}
