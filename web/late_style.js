// Style sheets of parts that are loaded only when they are needed.

import { element } from "./dom.js";

/** By name, those that were added. @type {Map<string, Promise<unknown>>} */
const added = new Map();

/**
 * Adds a style sheet to the page, once; resolves when it is loaded. Without it a part works all the
 * same.
 * @param {string} name of the file in `style/`, without its ending
 */
export function addStyle(name) {
  const known = added.get(name);
  if (known) return known;
  const href = new URL(`./style/${name}.css`, import.meta.url).href;
  const link = element("link", { rel: "stylesheet", href });
  const loaded = new Promise((/** @type {(value: unknown) => void} */ done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
  added.set(name, loaded);
  return loaded;
}
