// A calm sentence above all views: that nothing is kept, or that there is no room. It stays until
// it is closed.

import { anyById, onPress } from "../dom.js";

/** @param {string} sentence */
export function note(sentence) {
  anyById("note-text").textContent = sentence;
  anyById("note").hidden = false;
}

onPress("note-close", () => (anyById("note").hidden = true));
