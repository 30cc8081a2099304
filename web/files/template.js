// The template that an image's prompts were expanded from, in this program's PNG files: the text
// `darkroom-template`, as JSON of the prompts that the expansion has changed.

import { lossText } from "../strings/losses.js";
import { parseJson, textOf } from "./json.js";

/** The most characters of a template that is read. */
const CHARS_MAX = 100_000;

/** The prompts of a request. */
const NAMES = ["prompt", "negative_prompt"];

/**
 * What is offered: the template instead of the prompts that were made of it.
 * @param {string | undefined} json
 * @returns {import("./samplers.js").Offer[]} none without a readable template
 */
export function templateOffer(json) {
  if (!json || json.length > CHARS_MAX) return [];
  let template;
  try {
    template = parseJson(json);
  } catch {
    return [];
  }
  const texts = NAMES.map(
    (name) => /** @type {[string, string]} */ ([name, textOf(template, name)]),
  );
  const fields = texts.filter(([, text]) => text);
  if (!fields.length) return [];
  const said = lossText.template(fields.map(([, text]) => text));
  return [{ name: "template", fields, said, label: lossText.useTemplate() }];
}
