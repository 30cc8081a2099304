// The request inside an image file, as fields of the form: this program's JSON, or the formats of
// other programs, each with a reader of its own. Settings that cannot be imported are listed.

import { writeUpscaler } from "./upscaler.js";
import { importText } from "../strings/imports.js";
import { readComfy } from "./comfy.js";
import { firstDigits, recordedControls } from "./controls.js";
import { fieldsOf } from "./fields.js";
import { noHashes, recordedHashes } from "./hashes.js";
import { readDream, readInvoke, readOldInvoke } from "./invoke.js";
import { parseJson } from "./json.js";
import { taggedIn, writtenIn } from "./loras.js";
import { readDrawThings, readEasy, readFooocus, readNai, readSwarm } from "./others.js";
import { readParameters } from "./webui.js";

/** @typedef {import("./fields.js").Fields} Fields */

/**
 * @typedef {object} Found
 * @property {Fields} fields
 * @property {string[]} notImported settings that this program does not have, each in a few words
 * @property {import("./hashes.js").Hashes} [hashes] of the LoRAs and textual inversions
 */

/** @typedef {Found & { program: string, hashes: import("./hashes.js").Hashes }} Read */

/** The most settings of `notImported` that are shown, and the most characters of one. */
const ENTRIES_MAX = 12;
const ENTRY_CHARS_MAX = 120;

/**
 * The request in the texts of an image file.
 * @param {Map<string, string>} texts by keyword
 * @returns {Read | "unread" | "workflow" | null} "unread": there is a request, and no reader
 * understands it; "workflow": there is only a workflow; null: there is nothing
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
        program: WRITTEN_BY.exec(text)?.[1] ?? program,
        // An empty field is left out and has its default. An empty prompt is kept, because the
        // form's present prompt would stay otherwise.
        fields: found.fields.filter(
          ([name, value]) => value !== "" || name === "prompt" || keyword === "darkroom",
        ),
        notImported: shortened(found.notImported),
        hashes: found.hashes ?? noHashes(),
      };
    } catch {
      // Not in this format: another text of the file may be readable.
      unread ||= OWN_KEYWORDS.includes(keyword);
    }
  }
  if (texts.has("workflow")) return "workflow";
  return unread ? "unread" : null;
}

/** Keywords that only image generators write: if the text is unreadable, the user is told. */
const OWN_KEYWORDS = ["darkroom", "parameters", "invokeai_metadata", "sd-metadata", "Dream"];

/** The program that wrote a text in AUTOMATIC1111's format: nodes of ComfyUI can do that. */
const WRITTEN_BY = /\bVersion: (ComfyUI)\b/;

/** @type {[string, string, (text: string, texts: Map<string, string>) => Found][]} */
const READERS = [
  ["darkroom", "Darkroom", readOwn],
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

/**
 * This program's own texts.
 * @param {string} text
 * @param {Map<string, string>} texts
 * @returns {Found}
 */
function readOwn(text, texts) {
  const request = objectOf(text);
  const fields = fieldsOf(request);
  // Those that the prompt names are chosen by it.
  const tags = request["prompt_weights"] === true ? taggedIn(String(request["prompt"])) : [];
  const named = new Set(tags.map(({ name }) => name.toLowerCase()));
  const loras = writtenIn(texts.get("darkroom-loras"), named);
  const hashes = recordedHashes(texts.get("darkroom-loras"), texts.get("darkroom-embeddings"));
  const controls = recordedControls(texts.get("darkroom-controls"));
  /** @type {Fields} */
  const beside = [
    ["loras", loras],
    ["controls", controls],
    ["upscaler", recordedUpscaler(texts.get("darkroom-upscaler"))],
  ];
  return {
    fields: [...fields, ...beside.filter(([, value]) => value)],
    notImported: controls ? [importText.controlImages()] : [],
    hashes,
  };
}

/**
 * The upscaler between two passes, as the field `upscaler`; empty without a readable one.
 * @param {string | undefined} json
 */
function recordedUpscaler(json) {
  try {
    const { name, sha256 } = objectOf(json ?? "");
    if (typeof name !== "string" || !name) return "";
    return writeUpscaler({ name, hash: firstDigits(sha256) });
  } catch {
    return "";
  }
}

/** @param {string} text */
function objectOf(text) {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("no object");
  return value;
}

/**
 * A text that is not JSON: the JSON of an unknown program must not be read as a prompt.
 * @param {string} text
 */
function notJson(text) {
  if (/^\s*\{\s*"/.test(text)) throw new Error("JSON");
  return text;
}

/** At most so many entries and characters as are shown. @param {string[]} notImported */
function shortened(notImported) {
  const all = [...new Set(notImported)].map((text) =>
    text.length > ENTRY_CHARS_MAX ? `${text.slice(0, ENTRY_CHARS_MAX)}…` : text,
  );
  return all.length > ENTRIES_MAX ? [...all.slice(0, ENTRIES_MAX), "…"] : all;
}
