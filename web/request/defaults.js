// The fields of the form with their defaults; the fields of a request that differ from them.

import { ALIASES, FIELDS } from "../engine/fields.js";
import { fieldsOf, present } from "../files/fields.js";
import { FIRST_PROMPT } from "../strings/demo.js";

/**
 * First values of the form that are not the request's own defaults: an empty seed is a new random
 * seed each time, the slider of the strength cannot show `null`, and a blurred mask leaves no seam.
 */
const SHOWN = new Map([
  ["prompt", FIRST_PROMPT],
  ["seed", ""],
  ["strength", "0.8"],
  ["mask_blur", "4"],
]);

/** Fields that belong to a start image and its mask: without these nothing has them. */
const OF_START_IMAGE = ["strength", "mask_blur", "masked_content", "padding_mask_crop"];

/** Whether a field belongs to the start image. @param {string} name */
export const isOfStartImage = (name) => OF_START_IMAGE.includes(name);

/** Fields of the second pass, which makes an image of its own and takes no start image. */
const OF_SECOND_PASS = /^(hires_|upscaler$)/;

/** @param {string} name */
const isOfSecondPass = (name) => OF_SECOND_PASS.test(name);

/**
 * Fields without the second pass, which an image with a start image cannot have.
 * @param {Record<string, string>} fields
 */
export const withoutSecondPass = (fields) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !isOfSecondPass(name)));

/**
 * What of a request is used again with its image as start image: without the seed, the settings of
 * its own start image, and the second pass.
 * @param {Iterable<[string, string]>} fields
 */
export const variedFields = (fields) =>
  [...fields].filter(([name]) => name !== "seed" && !isOfStartImage(name) && !isOfSecondPass(name));

/** Fields that are keys of stored images, or have some. */
const IMAGES = ["initial", "mask", "controls"];

/**
 * Fields without a start image, its mask, what belongs to them, and without controls.
 * @param {Record<string, string>} fields
 */
export const withoutStartImage = (fields) =>
  Object.fromEntries(
    Object.entries(fields).filter(([name]) => !IMAGES.includes(name) && !isOfStartImage(name)),
  );

const own = Object.fromEntries([...FIELDS].map(([name, field]) => [name, field.default]));

/** The form's fields with their defaults. */
export const DEFAULTS = new Map(
  fieldsOf(own).map(([name, value]) => [name, SHOWN.get(name) ?? value]),
);

/**
 * The form's name of a field that the engine, a list or a link names. "initial-file" is the id of
 * the control that takes a start image.
 * @param {string} name
 */
export function fieldName(name) {
  const written = name.replaceAll(" ", "_");
  if (written === "initial_picture") return "initial-file";
  return ALIASES.get(name) ?? written;
}

/**
 * A field under its name in the form, with the value that it has now.
 * @param {[string, string]} entry
 * @returns {[string, string]}
 */
export const fieldNow = ([name, value]) => present([fieldName(name), value]);

/**
 * The fields that a model distilled for few steps has its own first values of. Links and drafts
 * name all three for another model than the built-in one, which has none of its own: what they
 * leave out would be the model's.
 */
export const MADE_FOR = /** @type {const} */ (["sampler", "steps", "guidance_scale"]);

/**
 * The fields of a request that differ from the defaults, for a link to its image; without those
 * that belong to the start image, which no link has.
 * @param {import("../engine/protocol.js").Request} request
 * @param {boolean} [whole] also the fields that a model may have its own first values of
 * @returns {[string, string][]}
 */
export function changedFields(request, whole = false) {
  const named = new Set(whole ? MADE_FOR : /** @type {string[]} */ ([]));
  return fieldsOf({ ...request }).filter(
    ([name, value]) =>
      named.has(name) || (value !== (DEFAULTS.get(name) ?? "") && !isOfStartImage(name)),
  );
}

/** The strength when the user makes an image the start image: as a whole, or to paint a mask. */
export const STRENGTHS = { vary: "0.6", edit: "0.8" };
