// Under the form: what a picture's request asked for and could not be taken over. It goes with the
// next request and with Reset.

import { importText } from "../strings/imports.js";
import { anyById } from "../dom.js";

export function createLosses() {
  const box = anyById("losses");

  /** @param {string[]} lost */
  function show(lost) {
    box.hidden = !lost.length;
    box.textContent = lost.length ? importText.lost(lost) : "";
  }

  anyById("reset").addEventListener("click", () => show([]));
  return { show };
}
