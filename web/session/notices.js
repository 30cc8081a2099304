// Notices that are shown only once in a browser: the one about a software adapter would otherwise
// appear at every visit.

import { remember, remembered } from "../storage/settings.js";

/** How the engine begins to say that the CPU computes for want of a graphics card. */
const SOFTWARE = "There is only a software adapter";

/**
 * Whether to show a notice: one that was not shown in this browser before, or that is shown always.
 * It is remembered as shown.
 * @param {string} text
 */
export function isNews(text) {
  if (!text.startsWith(SOFTWARE)) return true;
  const news = remembered("told-software") === null;
  remember("told-software", "yes");
  return news;
}
