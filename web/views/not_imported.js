// The note under the form: what a loaded request was made with and this run will not have, and what
// is nearest to that, to choose. It disappears with the next request and with Reset.

import { anyById, element } from "../dom.js";

/** @typedef {import("../store/matched.js").Note} Note */

/** @param {(fields: [string, string][]) => void} onUse chooses what is nearest */
export function createNotImported(onUse) {
  const box = anyById("losses");
  /** @param {Note} [note] */
  function show({ text, offers } = { text: "", offers: [] }) {
    box.hidden = !text;
    box.replaceChildren(text);
    for (const { label, used, fields } of offers) {
      const button = element("button", { type: "button", className: "link", textContent: label });
      button.addEventListener("click", () => {
        onUse(fields);
        button.replaceWith(used);
        box.focus();
      });
      box.append(" ", button);
    }
  }

  anyById("reset").addEventListener("click", () => show());
  return { show };
}
