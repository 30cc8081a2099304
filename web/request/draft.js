// The draft: the form as the user left it, stored in this browser for a reload or the next visit.

import { linkFields } from "../options.js";
import { remember, remembered } from "../storage/settings.js";

/**
 * The fields that differ from their defaults; and the fields of the start image (`initial`,
 * `strength`), stored under the key `begins`.
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
    return Array.isArray(fields) ? { fields, startImage: begins ?? {} } : null;
  } catch {
    return null;
  }
}

/**
 * Whether an address has the draft's fields. Fields that are too long for a link are not compared.
 * @param {[string, string][]} address
 * @param {Draft} draft
 */
export function matchesDraft(address, { fields }) {
  return JSON.stringify(address) === JSON.stringify(linkFields(fields));
}
