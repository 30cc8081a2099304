// What an image's own file says of it, for the record of the enlarged one: the request, what was
// used beside it, and the model, of this program's files and of other programs'.

import { readControls } from "../files/control_choices.js";
import { parseJson } from "../files/json.js";
import { isPng, readTexts } from "../files/png.js";
import { readExif, requestOf as requestIn } from "../files/readers.js";
import { requestOf } from "../request/fields.js";

/** @typedef {import("../engine/protocol.js").Request} Request */
/** @typedef {import("../engine/protocol.js").Part} Part */
/** @typedef {import("../engine/protocol.js").Provenance} Provenance */
/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */

/** Bytes: of a larger file the texts are not read. */
const FILE_MAX = 500_000_000;

/** The request of an image of which nothing is known. @type {Request} */
const NONE = { prompt: "", seed: "" };

/**
 * What is known of an image; the request of a photo has no prompt and no seed.
 * @typedef {{ request: Request, controls?: ControlChoice[], provenance?: Provenance,
 *   parts?: Part[] }} Own
 */

/** @param {Blob} file @returns {Promise<Own>} */
export async function recordIn(file) {
  if (file.size > FILE_MAX) return { request: NONE };
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const texts = isPng(bytes) ? await readTexts(bytes) : [];
    return recordOf(new Map([...readExif(bytes), ...texts]));
  } catch {
    return { request: NONE };
  }
}

/**
 * @param {Map<string, string>} texts of the file, by keyword
 * @returns {Own}
 */
export function recordOf(texts) {
  const found = requestIn(texts);
  if (!found || typeof found === "string") return { request: NONE };
  const fields = Object.fromEntries(found.fields);
  const { seed = "", loras, upscaler, controls = "" } = fields;
  const { request } = requestOf({ ...fields, count: "1" });
  const choices = readControls(controls);
  const provenance = provenanceIn(texts.get("darkroom-model"));
  const parts = partsIn(texts.get("darkroom-parts"));
  return {
    request: { ...request, seed, ...(loras && { loras }), ...(upscaler && { upscaler }) },
    ...(choices.length && { controls: choices }),
    ...(provenance && { provenance }),
    ...(parts.length && { parts }),
  };
}

/** @param {string | undefined} json @returns {Provenance | undefined} */
function provenanceIn(json) {
  const { title, repository, revision, sha256 } = valueIn(json) ?? {};
  const texts = [repository, revision, sha256].map((one) => (typeof one === "string" ? one : null));
  const [from = null, at = null, hash = null] = texts;
  if (typeof title !== "string") return undefined;
  return { title, repository: from, revision: at, sha256: hash };
}

/** @param {string | undefined} json @returns {Part[]} */
function partsIn(json) {
  const list = valueIn(json);
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => {
    const { part, name, sha256 } = one ?? {};
    const whole = [part, name, sha256].every((text) => typeof text === "string");
    return whole ? [{ part, name, sha256 }] : [];
  });
}

/** @param {string | undefined} json @returns {any} undefined where it is none */
function valueIn(json) {
  try {
    return json ? parseJson(json) : undefined;
  } catch {
    return undefined;
  }
}
