// Undo of a deletion: a line with a button, shown for a while, and longer while it has the focus or
// the mouse pointer. It is shown above an open dialog too.

import { anyById, button, onPress } from "../dom.js";

/** Milliseconds that the line is shown at least. */
const UNDO_MS = 15_000;

let timer = 0;
/** @type {(() => void) | null} undoes the last deletion */
let undo = null;

function leave() {
  clearTimeout(timer);
  const box = anyById("undo");
  if (box.matches(":hover, :focus-within")) timer = setTimeout(leave, UNDO_MS);
  else hide();
}

/** Moves the line to the other edge of the window if it covers the button Generate. */
function avoidGenerate() {
  const box = anyById("undo");
  if (box.hidden) return;
  const [mine, other] = [box, button("generate")].map((one) => one.getBoundingClientRect());
  if (!mine || !other?.width) return;
  const beside = mine.right < other.left || mine.left > other.right;
  if (beside || mine.bottom < other.top || mine.top > other.bottom) return;
  box.classList.toggle("at-top");
}

function hide() {
  clearTimeout(timer);
  undo = null;
  anyById("undo").hidden = true;
  anyById("undo-text").textContent = "";
}

export function watchUndo() {
  const box = anyById("undo");
  onPress("undo-act", () => {
    undo?.();
    hide();
  });
  onPress("undo-close", hide);
  // On a phone the button scrolls with the page.
  addEventListener("scroll", avoidGenerate, { passive: true });
  new ResizeObserver(avoidGenerate).observe(document.body);
  for (const dialog of document.querySelectorAll("dialog"))
    dialog.addEventListener("close", () => {
      if (dialog.contains(box)) document.body.append(box);
    });
}

/**
 * Shows what was deleted, with the button Undo.
 * @param {string} text
 * @param {() => void} bringBack
 */
export function offerUndo(text, bringBack) {
  const box = anyById("undo");
  // While a dialog is open, nothing outside it can be clicked.
  const place = document.querySelector("dialog[open]") ?? document.body;
  if (box.parentElement !== place) place.append(box);
  undo = bringBack;
  box.hidden = false;
  box.classList.remove("at-top");
  anyById("undo-text").textContent = text;
  avoidGenerate();
  clearTimeout(timer);
  timer = setTimeout(leave, UNDO_MS);
  // The clicked button may be gone or disabled: then Undo gets the focus.
  const { activeElement: focus } = document;
  if (!focus || focus === document.body || focus.matches(":disabled"))
    button("undo-act").focus({ preventScroll: true });
}
