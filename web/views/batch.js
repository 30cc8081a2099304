// The images of one run, side by side below the one that is shown; a press on one shows that.
// Loaded when a run has more than one.

import { anyById, element } from "../dom.js";
import { addStyle } from "../late_style.js";
import { text } from "../strings/batch_row.js";
import { SMALL } from "./picture.js";

/** @typedef {import("../session/protocol.js").Made} Made */

const ID = "batch";

/**
 * Shows them; the last one is the one that the page shows.
 * @param {Made[]} batch
 * @param {(made: Made) => void} show shows one large
 */
export function showBatch(batch, show) {
  void addStyle("batch_row");
  document.getElementById(ID)?.remove();
  const buttons = batch.map((made, i) => imageButton(made, text.image(i + 1, batch.length)));
  const mark = (/** @type {number} */ at) =>
    buttons.forEach((one, i) => (one.ariaPressed = String(i === at)));
  buttons.forEach((one, i) => {
    one.addEventListener("click", () => {
      show(/** @type {Made} */ (batch[i]));
      mark(i);
    });
  });
  mark(batch.length - 1);
  const items = buttons.map((one) => element("li", {}, one));
  anyById("strip").before(element("ul", { id: ID, ariaLabel: text.title() }, ...items));
}

/** @param {Made} made @param {string} name */
function imageButton({ file, picture: { width, height } }, name) {
  const image = element("img", { alt: "", width, height, src: URL.createObjectURL(file) });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.classList.toggle("pixels", Math.max(width, height) < SMALL);
  return element("button", { type: "button", title: name, ariaLabel: name }, image);
}
