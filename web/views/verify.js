// The dialog "Verify": compares the model's images with reference values. A row for each comparison
// appears as soon as it is finished.

import { isIdle } from "../state/page.js";
import { SAMPLERS, say } from "../strings.js";
import { anyById, button, byId, onPress, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Check} Check */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 */
export function createVerify(state, session) {
  const dialog = byId("verify-dialog", HTMLDialogElement);
  const [start, close] = [button("verify-start"), button("verify-close")];
  const text = anyById("verify-text");
  const table = anyById("verify-table");
  const rows = anyById("verify-rows");
  const runs = () => state.get().task === "verify";

  onPress("verify", () => dialog.showModal());
  onPress("verify-start", () => void session.verify());
  onPress("verify-close", () => dialog.close());
  // Also by the Escape key.
  dialog.addEventListener("close", () => runs() && session.cancel());

  const showPhase = () => {
    start.disabled = !isIdle(state);
  };
  state.subscribe(["phase"], showPhase);
  showPhase();
  state.subscribe(["task"], ({ task }) => {
    if (task !== "verify") return;
    close.textContent = say.cancel();
    close.focus();
    text.textContent = say.verifying();
  });
  session.on("begin", () => {
    if (!runs()) return;
    rows.replaceChildren();
    table.hidden = true;
  });
  session.on("progress", (progress) => {
    if (!runs()) return;
    if (progress.event === "notice") text.textContent = progress.text;
    if (progress.event !== "check") return;
    table.hidden = false;
    rows.append(...rowsOf(progress));
  });
  session.on("end", ({ task, text: sentence }) => {
    if (task !== "verify") return;
    close.textContent = say.close();
    text.textContent = sentence;
  });
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
