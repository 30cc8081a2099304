// A message above all views: such as that storage is blocked or full. It stays until the user
// closes it.

import { anyById, onPress } from "../dom.js";

/** @param {string} sentence */
export function note(sentence) {
  anyById("note-text").textContent = sentence;
  anyById("note").hidden = false;
}

onPress("note-close", () => (anyById("note").hidden = true));
