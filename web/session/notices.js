// Notices that are shown only once in a browser: the one about a software adapter would otherwise
// appear at every visit.

import { remember, remembered } from "../storage/settings.js";

/** The beginning of the engine's notice that the adapter is software, and that the CPU computes. */
const SOFTWARE = "There is only a software adapter";

/**
 * Whether to show a notice. It also marks the notice as shown.
 * @param {string} text
 */
export function shouldShow(text) {
  if (!text.startsWith(SOFTWARE)) return true;
  const isNew = remembered("told-software") === null;
  remember("told-software", "yes");
  return isNew;
}
