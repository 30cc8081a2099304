// Notices of the engine that are news but once: that of a software adapter would else stand there
// at every visit.

import { remember, remembered } from "../storage/settings.js";

/** How the engine begins to say that the CPU computes for want of a graphics card. */
const SOFTWARE = "There is only a software adapter";

/**
 * Whether a notice was not told in this browser before, or is always news; now it was told.
 * @param {string} text
 */
export function isNews(text) {
  if (!text.startsWith(SOFTWARE)) return true;
  const news = remembered("told-software") === null;
  remember("told-software", "yes");
  return news;
}
