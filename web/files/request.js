// The request inside an image file, as fields of the form: this program's JSON, or the formats of
// other programs, each with a reader of its own. Settings that cannot be imported are listed.

import { writeUpscaler } from "./upscaler.js";
import { lossText } from "../strings/losses.js";
import { readComfy } from "./comfy.js";
import { readWorkflow } from "./comfy_workflow.js";
import { firstDigits, recordedControls } from "./controls.js";
import { readDrawThings, readDrawThingsJson } from "./draw_things.js";
import { readEasy, readEasyJson } from "./easy.js";
import { fieldsOf } from "./fields.js";
import { readFooocus } from "./fooocus.js";
import { noHashes, recordedHashes } from "./hashes.js";
import { readDream, readInvoke, readOldInvoke } from "./invoke.js";
import { parseJson } from "./json.js";
import { bounded, fitting } from "./left_over.js";
import { taggedIn, writtenIn } from "./loras.js";
import { readNai } from "./novelai.js";
import { ownLosses } from "./own_text.js";
import { readSwarm } from "./swarm.js";
import { templateOffer } from "./template.js";
import { readParameters } from "./webui.js";

/** @typedef {import("./fields.js").Fields} Fields */

/**
 * A model that made an image, or a part of one: `kind` is model, vae or module.
 * @typedef {{ kind: string, name: string, hash: string }} Made
 */

/**
 * @typedef {object} Found
 * @property {Fields} fields
 * @property {string[]} notImported settings that this program does not have, each in a few words
 * @property {import("./samplers.js").Offer[]} [offers] what is nearest to one of those
 * @property {Made[]} [madeWith] what the image was made with, and no request chooses
 * @property {import("./hashes.js").Hashes} [hashes] of the LoRAs and textual inversions
 * @property {string} [program] that wrote it, where the text says so
 */

/** @typedef {Required<Found>} Read */

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
      if (!found.fields.some(([name, value]) => value !== "" && !ALWAYS.includes(name))) continue;
      return keyword === "darkroom" ? whole(found, program) : whole(fitted(found), program);
    } catch {
      // Not in this format: another text of the file may be readable.
      unread ||= OWN_KEYWORDS.includes(keyword);
    }
  }
  if (texts.has("workflow")) return "workflow";
  return unread ? "unread" : null;
}

/** Fields that a reader gives to every request. */
const ALWAYS = ["prompt_syntax", "long_prompt", "rng"];

/**
 * Without fields that are empty, which have their defaults, and those that no request may have. An
 * empty prompt is kept, because the form's present prompt would stay otherwise.
 * @param {Found} found
 * @returns {Found}
 */
function fitted(found) {
  const { fields, notImported } = fitting(found.fields);
  return {
    ...found,
    fields: fields.filter(([name, value]) => value !== "" || name === "prompt"),
    notImported: [...found.notImported, ...notImported],
  };
}

/** @param {Found} found @param {string} program @returns {Read} */
const whole = (found, program) => ({
  fields: found.fields,
  program: found.program || program,
  notImported: bounded(found.notImported),
  offers: found.offers ?? [],
  madeWith: (found.madeWith ?? []).slice(0, MADE_MAX),
  hashes: found.hashes ?? noHashes(),
});

/** The most models that are named. */
const MADE_MAX = 6;

/** Keywords that only image generators write: if the text is unreadable, the user is told. */
const OWN_KEYWORDS = ["darkroom", "parameters", "invokeai_metadata", "sd-metadata", "Dream"];

/** @type {[string, string, (text: string, texts: Map<string, string>) => Found][]} */
const READERS = [
  ["darkroom", "Darkroom", readOwn],
  ["parameters", "SwarmUI", readSwarm],
  ["parameters", "Easy Diffusion", readEasyJson],
  ["parameters", "Draw Things", readDrawThingsJson],
  ["parameters", "Fooocus", readFooocus],
  ["parameters", "AUTOMATIC1111", (text) => readParameters(notJson(text))],
  ["invokeai_metadata", "InvokeAI", readInvoke],
  ["sd-metadata", "InvokeAI", readOldInvoke],
  ["Dream", "InvokeAI", readDream],
  ["Comment", "NovelAI", (_, texts) => readNai(texts)],
  ["Comment", "Draw Things", readDrawThingsJson],
  ["num_inference_steps", "Easy Diffusion", (_, texts) => readEasy(texts)],
  ["prompt", "ComfyUI", readComfy],
  ["workflow", "ComfyUI", readWorkflow],
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
  const syntax = fields.find(([name]) => name === "prompt_syntax")?.[1];
  const tags = syntax === "a1111" ? taggedIn(String(request["prompt"])) : [];
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
    notImported: [
      ...(controls ? [lossText.controlImages()] : []),
      ...ownLosses(texts.get("parameters") ?? ""),
    ],
    offers: templateOffer(texts.get("darkroom-template")),
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
