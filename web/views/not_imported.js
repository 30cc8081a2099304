// The note under the form: settings of a loaded image that could not be imported. It disappears
// with the next request and with Reset.

import { importText } from "../strings/imports.js";
import { anyById } from "../dom.js";

export function createNotImported() {
  const box = anyById("losses");
  /** @param {string[]} settings */
  function show(settings) {
    box.hidden = !settings.length;
    box.textContent = settings.length ? importText.notImported(settings) : "";
  }

  anyById("reset").addEventListener("click", () => show([]));
  return { show };
}
