// The texts of a plot's PNG file: those of its first image, so that a plot that is dropped on a
// page fills in that image's settings, and in the text of AUTOMATIC1111's web UI what the axes are,
// as its script X/Y/Z plot writes them:
//
//     Steps: 20, …, Script: X/Y/Z plot, X Type: Seed, X Values: "1, 2, 3"

import { readTexts } from "../files/png.js";
import { batchText as text } from "../strings/batch.js";
import { textChunk, textChunks, withChunks } from "./png_text.js";

/** @typedef {import("./cells.js").Scale} Scale */

/** Axes that have another name in that script; those that it does not have keep theirs. */
const TYPES = new Map([
  [text.replace(), "Prompt S/R"],
  [text.checkpoint(), "Checkpoint name"],
  [text.style(), "Styles"],
  ["CFG scale", "CFG Scale"],
  ["Image CFG scale", "Image CFG Scale"],
  ["Denoising strength", "Denoising"],
  ["RNG", "RNG source"],
]);

/** The keyword of that text. */
const KEYWORD = "parameters";

/**
 * @param {Blob} plot
 * @param {Blob} first the file of its first image
 * @param {[Scale, Scale, Scale]} scales
 */
export async function withRequest(plot, first, scales) {
  const [own, from] = await Promise.all([bytesOf(plot), bytesOf(first)]);
  const parameters = (await readTexts(from)).get(KEYWORD);
  const chunks = textChunks(from, KEYWORD);
  if (parameters) chunks.push(textChunk(KEYWORD, `${parameters}, ${scriptOf(scales)}`));
  return new Blob([withChunks(own, chunks)], { type: "image/png" });
}

/** @param {Blob} file */
const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

/**
 * What the axes are, as the settings of AUTOMATIC1111's scripts.
 * @param {[Scale, Scale, Scale]} scales
 */
export function scriptOf(scales) {
  if (scales[0].label === text.parts()) return "Script: Prompt matrix";
  const axes = scales.flatMap(({ label, values }, i) => {
    const name = "XYZ"[i];
    const type = TYPES.get(label) ?? label;
    return label
      ? [`${name} Type: ${quoted(type)}`, `${name} Values: ${quoted(listed(values))}`]
      : [];
  });
  return ["Script: X/Y/Z plot", ...axes].join(", ");
}

/** Values between commas; one with a comma or quotes in quotes. @param {string[]} values */
const listed = (values) =>
  values.map((one) => (/[,"]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one)).join(", ");

/** A value in quotes, as JSON, if it has signs that mean something there. @param {string} value */
const quoted = (value) => (/[,\n:"]/.test(value) ? JSON.stringify(value) : value);
