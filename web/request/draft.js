// The form as it was left: kept in this browser, so that neither a reload nor a new visit loses it.

import { linkFields } from "../options.js";
import { remember, remembered } from "../storage/settings.js";

/**
 * What of the form differs from the defaults, and the picture to begin with.
 * @typedef {{ fields: [string, string][], begins: Record<string, string> }} Draft
 */

/** @param {Draft} draft */
export function keepDraft(draft) {
  remember("form", JSON.stringify(draft));
}

/** @returns {Draft | null} */
export function keptDraft() {
  try {
    const { fields, begins } = JSON.parse(remembered("form") ?? "null") ?? {};
    return Array.isArray(fields) ? { fields, begins: begins ?? {} } : null;
  } catch {
    return null;
  }
}

/**
 * Whether an address says what the draft does, as far as it has room.
 * @param {[string, string][]} address
 * @param {Draft} draft
 */
export function isOf(address, { fields }) {
  return JSON.stringify(address) === JSON.stringify(linkFields(fields));
}
