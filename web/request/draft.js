// The draft: the form as the user left it, stored in this browser for a reload or the next visit.

import { controlImages } from "../files/control_choices.js";
import { present } from "../files/fields.js";
import { linkFields } from "../options.js";
import { remember, remembered } from "../storage/settings.js";

/**
 * The fields that differ from their defaults; and the fields of the start image (`initial`, `mask`,
 * `strength` …, `steps`, the start images of before, and `controls`), stored under the key
 * `begins`.
 * @typedef {{ fields: [string, string][], startImage: Record<string, string> }} Draft
 */

/** @param {Draft} draft */
export function keepDraft({ fields, startImage }) {
  remember("form", JSON.stringify({ fields, begins: startImage }));
}

/** @returns {Draft | null} */
export function keptDraft() {
  try {
    const { fields, begins } = JSON.parse(remembered("form") ?? "null") ?? {};
    return Array.isArray(fields) ? { fields: fields.map(present), startImage: begins ?? {} } : null;
  } catch {
    return null;
  }
}

/**
 * A start image and its mask, by their numbers in the storage; empty if there is none.
 * @typedef {{ initial: string, mask: string }} Start
 */

/**
 * The start images of before in a text of the draft.
 * @param {string} text
 * @returns {Start[]}
 */
export function readSteps(text) {
  try {
    /** @type {any[]} */
    const all = [JSON.parse(text || "[]")].flat();
    return all
      .filter((one) => typeof one?.initial === "string")
      .map(({ initial, mask }) => ({ initial, mask: typeof mask === "string" ? mask : "" }));
  } catch {
    return [];
  }
}

/** The numbers of all stored images that a draft uses. @param {Draft | null} draft */
export function startImagesIn(draft) {
  const { initial = "", mask = "", steps = "", controls } = draft?.startImage ?? {};
  const former = readSteps(steps).flatMap((one) => [one.initial, one.mask]);
  return [initial, mask, ...former, ...controlImages(controls)];
}

/**
 * Whether an address has the draft's fields. Fields that are too long for a link are not compared.
 * @param {[string, string][]} address
 * @param {Draft} draft
 */
export function matchesDraft(address, { fields }) {
  return JSON.stringify(address) === JSON.stringify(linkFields(fields));
}
