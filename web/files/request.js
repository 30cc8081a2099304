// The request that a picture carries, as fields of the form: our own JSON, or what other programs
// write. Each has habits of its own, told at its reader; what cannot be taken over is named.

import { readComfy } from "./comfy.js";
import { fieldsOf } from "./fields.js";
import { readDream, readInvoke, readOldInvoke } from "./invoke.js";
import { parseJson } from "./json.js";
import { readDrawThings, readEasy, readFooocus, readNai, readSwarm } from "./others.js";
import { readParameters } from "./webui.js";

/** @typedef {import("./fields.js").Fields} Fields */

/**
 * @typedef {object} Found
 * @property {Fields} fields
 * @property {string[]} lost what was asked for and cannot be had here, each in a few words
 */

/** @typedef {Found & { program: string }} Read */

/** What is named of all that is lost: entries, and characters of one. */
const LOST_MAX = 12;
const WORDS_MAX = 120;

/**
 * What made a picture, as far as its texts say.
 * @param {Map<string, string>} texts by keyword
 * @returns {Read | "unread" | "workflow" | null} a request that no reader understands, a workflow
 * alone, or nothing at all
 */
export function requestOf(texts) {
  let unread = false;
  for (const [keyword, program, read] of READERS) {
    const text = texts.get(keyword);
    if (text === undefined) continue;
    try {
      const found = read(text, texts);
      if (!found.fields.some(([, value]) => value !== "")) continue;
      return {
        program: BORROWED.exec(text)?.[1] ?? program,
        // What is not said has its default; that of a prompt is not the form's present one.
        fields: found.fields.filter(
          ([name, value]) => value !== "" || name === "prompt" || keyword === "darkroom",
        ),
        lost: named(found.lost),
      };
    } catch {
      // Not of this form after all: another text may be.
      unread ||= SURE.includes(keyword);
    }
  }
  if (texts.has("workflow")) return "workflow";
  return unread ? "unread" : null;
}

/** Keywords that only programs of this kind write. */
const SURE = ["darkroom", "parameters", "invokeai_metadata", "sd-metadata", "Dream"];

/** The name of a program that writes another's text, as ComfyUI's savers of pictures do. */
const BORROWED = /\bVersion: (ComfyUI)\b/;

/** @type {[string, string, (text: string, texts: Map<string, string>) => Found][]} */
const READERS = [
  ["darkroom", "Darkroom", (text) => ({ fields: fieldsOf(objectOf(text)), lost: [] })],
  ["parameters", "SwarmUI", readSwarm],
  ["parameters", "Fooocus", readFooocus],
  ["parameters", "AUTOMATIC1111", (text) => readParameters(notJson(text))],
  ["invokeai_metadata", "InvokeAI", readInvoke],
  ["sd-metadata", "InvokeAI", readOldInvoke],
  ["Dream", "InvokeAI", readDream],
  ["Comment", "NovelAI", (_, texts) => readNai(texts)],
  ["num_inference_steps", "Easy Diffusion", (_, texts) => readEasy(texts)],
  ["prompt", "ComfyUI", readComfy],
  ["XML:com.adobe.xmp", "Draw Things", readDrawThings],
];

/** @param {string} text */
function objectOf(text) {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("no object");
  return value;
}

/**
 * JSON of a program that is not known is no prompt.
 * @param {string} text
 */
function notJson(text) {
  if (/^\s*\{\s*"/.test(text)) throw new Error("JSON");
  return text;
}

/** @param {string[]} lost */
function named(lost) {
  const all = [...new Set(lost)].map((text) =>
    text.length > WORDS_MAX ? `${text.slice(0, WORDS_MAX)}…` : text,
  );
  return all.length > LOST_MAX ? [...all.slice(0, LOST_MAX), "…"] : all;
}
