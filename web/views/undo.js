// Undo of deletions: a line with a button, shown for a while, and longer while it has the focus or
// the mouse pointer. It is shown above an open dialog too. What was deleted while the line is shown
// comes back one after another, the latest first; so does Ctrl+Z outside of text fields. With the
// line all of it is gone for good; a reload ends it as well.

import { say } from "../strings.js";
import { anyById, button, onPress } from "../dom.js";

/** Milliseconds that the line is shown at least after the latest deletion. */
const UNDO_MS = 15_000;

let timer = 0;
/** What can be brought back, the latest last. @type {{ text: string, act: () => void }[]} */
const offers = [];

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
  offers.length = 0;
  anyById("undo").hidden = true;
  anyById("undo-text").textContent = "";
}

/** Shows the latest deletion, for the whole time again; nothing is left: hides the line. */
function show() {
  const latest = offers.at(-1);
  if (!latest) return hide();
  anyById("undo-text").textContent = say.undoText(latest.text, offers.length - 1);
  clearTimeout(timer);
  timer = setTimeout(leave, UNDO_MS);
}

/** Brings the latest back. */
function undo() {
  offers.pop()?.act();
  show();
}

/** @param {KeyboardEvent} event */
function hearKey(event) {
  const { key, ctrlKey, metaKey, shiftKey, altKey, target } = event;
  if (key !== "z" || ctrlKey === metaKey || shiftKey || altKey || !offers.length) return;
  // There the keys undo what was typed or painted.
  const typed = 'input:not([type="checkbox"], [type="range"]), textarea, #editor';
  if (event.defaultPrevented || (target instanceof Element && target.closest(typed))) return;
  event.preventDefault();
  undo();
}

export function watchUndo() {
  const box = anyById("undo");
  onPress("undo-act", undo);
  onPress("undo-close", hide);
  document.addEventListener("keydown", hearKey);
  // On a phone the button scrolls with the page.
  addEventListener("scroll", avoidGenerate, { passive: true });
  new ResizeObserver(avoidGenerate).observe(document.body);
  // The event does not bubble; some dialogs are made later.
  const back = (/** @type {Event} */ { target }) => {
    if (target instanceof HTMLDialogElement && target.contains(box)) document.body.append(box);
  };
  document.addEventListener("close", back, true);
}

/**
 * Shows what was deleted, with the button Undo.
 * @param {string} text
 * @param {() => void} bringBack
 */
export function offerUndo(text, bringBack) {
  const box = anyById("undo");
  // While a dialog is open, nothing outside it can be clicked.
  const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (box.parentElement !== place) place.append(box);
  offers.push({ text, act: bringBack });
  box.hidden = false;
  box.classList.remove("at-top");
  show();
  avoidGenerate();
  // The clicked button may be gone or disabled: then Undo gets the focus.
  const { activeElement: focus } = document;
  if (!focus || focus === document.body || focus.matches(":disabled"))
    button("undo-act").focus({ preventScroll: true });
}
