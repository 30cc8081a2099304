// The dialog "Verify": whether this model gives the pictures that it should. A row for each
// comparison, as soon as it is made.

import { SAMPLERS, say } from "../strings.js";
import { anyById, byId, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Progress} Progress */
/** @typedef {import("../engine/protocol.js").Check} Check */

/** @param {{ onVerify: () => void, onCancel: () => void }} handlers */
export function createVerify({ onVerify, onCancel }) {
  const dialog = byId("verify-dialog", HTMLDialogElement);
  const open = byId("verify", HTMLButtonElement);
  const start = byId("verify-start", HTMLButtonElement);
  const close = byId("verify-close", HTMLButtonElement);
  const text = anyById("verify-text");
  const rows = anyById("verify-rows");
  let running = false;

  open.addEventListener("click", () => dialog.showModal());
  start.addEventListener("click", onVerify);
  close.addEventListener("click", () => dialog.close());
  // Also by the Escape key.
  dialog.addEventListener("close", () => {
    if (running) onCancel();
  });

  return {
    /** @param {"loading" | "ready" | "generating" | "error"} state */
    show(state) {
      start.disabled = state === "loading" || state === "generating";
    },

    begin() {
      running = true;
      close.textContent = say.cancel();
      close.focus();
      rows.replaceChildren();
      anyById("verify-table").hidden = true;
      text.textContent = say.verifying();
    },

    /** @param {Progress} progress */
    progress(progress) {
      if (progress.event === "notice") text.textContent = progress.text;
      if (progress.event !== "check") return;
      anyById("verify-table").hidden = false;
      rows.append(...rowsOf(progress));
    },

    /** @param {string} sentence how it ended */
    end(sentence) {
      running = false;
      close.textContent = say.close();
      text.textContent = sentence;
    },
  };
}

/** @param {Check} check */
function rowsOf({ name, expected, got, difference, bound, verdict }) {
  const row = document.createElement("tr");
  row.dataset["verdict"] = verdict;
  const head = withText("th", SAMPLERS.get(name) ?? name);
  head.setAttribute("scope", "row");
  row.append(
    head,
    ...[difference.toFixed(5), bound.toFixed(5)].map((cell) => withText("td", cell)),
    withText("td", say.verdict(verdict)),
  );
  const numbers = document.createElement("tr");
  const list = (/** @type {number[]} */ all) => all.map((x) => x.toFixed(4)).join(" ");
  const cell = withText("td", say.compared(list(expected), list(got)));
  cell.setAttribute("colspan", "4");
  cell.className = "hint";
  numbers.append(cell);
  return [row, numbers];
}
