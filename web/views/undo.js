// What was deleted can be had back for a while: a line with a button, which waits as long as it has
// the focus or the mouse. It stands above an open dialog too.

import { anyById, button, onPress } from "../dom.js";

/** Milliseconds that it waits at least. */
const UNDO_MS = 15_000;

let timer = 0;
/** @type {(() => void) | null} brings back what was deleted last */
let undo = null;

function leave() {
  clearTimeout(timer);
  const box = anyById("undo");
  if (box.matches(":hover, :focus-within")) timer = setTimeout(leave, UNDO_MS);
  else hide();
}

/** Moves the line to the other edge of the window where it covers Generate. */
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
  // On a phone the button is anywhere.
  addEventListener("scroll", avoidGenerate, { passive: true });
  new ResizeObserver(avoidGenerate).observe(document.body);
  for (const dialog of document.querySelectorAll("dialog"))
    dialog.addEventListener("close", () => {
      if (dialog.contains(box)) document.body.append(box);
    });
}

/**
 * Says what was deleted, and offers to bring it back.
 * @param {string} text
 * @param {() => void} bringBack
 */
export function offerUndo(text, bringBack) {
  const box = anyById("undo");
  // All but an open dialog is out of reach.
  const place = document.querySelector("dialog[open]") ?? document.body;
  if (box.parentElement !== place) place.append(box);
  undo = bringBack;
  box.hidden = false;
  box.classList.remove("at-top");
  anyById("undo-text").textContent = text;
  avoidGenerate();
  clearTimeout(timer);
  timer = setTimeout(leave, UNDO_MS);
  // The button that was pressed may be of no use any more.
  const { activeElement: focus } = document;
  if (!focus || focus === document.body || focus.matches(":disabled"))
    button("undo-act").focus({ preventScroll: true });
}
