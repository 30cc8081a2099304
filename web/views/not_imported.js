// The note under the form: settings of a loaded image that could not be imported. It disappears
// with the next request and with Reset.

import { importText } from "../strings/imports.js";
import { anyById } from "../dom.js";

export function createNotImported() {
  const box = anyById("losses");
  /** @type {string[]} */
  let shown = [];

  /** @param {string[]} settings */
  function show(settings) {
    shown = settings;
    box.hidden = !settings.length;
    box.textContent = settings.length ? importText.notImported(settings) : "";
  }

  /**
   * Adds what is known later, unless another image has been loaded meanwhile.
   * @param {Promise<string[]>} later
   */
  async function add(later) {
    const mine = shown;
    const more = await later.catch(() => []);
    if (more.length && mine === shown) show([...shown, ...more]);
  }

  anyById("reset").addEventListener("click", () => show([]));
  return { show, add };
}
