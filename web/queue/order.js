// Moves the queue's jobs: by the buttons of one, by dragging its handle, or by Alt and the arrows
// up and down. Its new place among all jobs is read aloud. Loaded with the first two jobs.

import { moveJob } from "../storage/jobs.js";
import { queueText as text } from "../strings/queue.js";
import { element } from "../dom.js";

/**
 * @param {HTMLElement} list its items have the numbers of their jobs, and the buttons `.move`,
 * `.move-up` and `.move-down`; it may show a part of the jobs
 * @param {(id: number, by: number) => number | undefined} beside the number of the job before (−1)
 * or after (1) one, also of those that are not shown
 * @param {(error: unknown) => void} onFault
 */
export function watchOrder(list, beside, onFault) {
  const told = element("p", { id: "queue-moved", className: "unseen" });
  told.setAttribute("role", "status");
  list.after(told);
  /** @type {Move} */
  function move(id, neighbour, side) {
    moveJob(id, neighbour, side).then((moved) => {
      if (moved) told.textContent = text.moved(moved.place, moved.count);
    }, onFault);
  }

  /** Moves a job by one place. @param {HTMLElement} item @param {number} by −1 or 1 */
  function step(item, by) {
    const neighbour = beside(idOf(item), by);
    if (neighbour === undefined) told.textContent = text.atEnd(by < 0);
    else move(idOf(item), neighbour, by < 0 ? "before" : "after");
  }

  list.addEventListener("click", ({ target }) => {
    const pressed = target instanceof Element ? target.closest(".move-up, .move-down") : null;
    const item = pressed?.closest("li");
    if (item) step(item, pressed?.className === "move-up" ? -1 : 1);
  });

  list.addEventListener("keydown", (event) => {
    const { key, altKey, ctrlKey, target } = event;
    const by = { ArrowUp: -1, ArrowDown: 1 }[key];
    const item = target instanceof Element ? target.closest("li") : null;
    if (!by || !altKey || ctrlKey || !item) return;
    event.preventDefault();
    step(item, by);
  });

  watchDrag(list, move);
}

/** @typedef {(id: number, neighbour: number, side: "before" | "after") => void} Move */

/** The number of a row's job. @param {HTMLElement} item */
const idOf = (item) => Number(item.dataset["job"]);

/**
 * @param {HTMLElement} list
 * @param {Move} move
 */
function watchDrag(list, move) {
  /** The job that is dragged; 0 if none is. */
  let dragged = 0;
  /** The row that was before it. @type {Element | null} */
  let former = null;
  /** The last row may say that there are more. */
  const items = () =>
    /** @type {HTMLElement[]} */ ([...list.children]).filter(({ dataset }) => dataset["job"]);
  /** The list may be made anew meanwhile. */
  const find = () => items().find((item) => idOf(item) === dragged);

  list.addEventListener("pointerdown", (event) => {
    const { target, button, pointerId } = event;
    const handle = target instanceof Element ? target.closest(".move") : null;
    const item = handle?.closest("li");
    if (!item || button !== 0) return;
    dragged = idOf(item);
    former = item.previousElementSibling;
    list.setPointerCapture(pointerId);
    item.classList.add("dragged");
  });
  list.addEventListener("pointermove", ({ clientY }) => {
    const item = dragged && find();
    if (!item) return;
    item.classList.add("dragged");
    const others = items().filter((one) => one !== item);
    const next = others.find((one) => {
      const { top, height } = one.getBoundingClientRect();
      return clientY < top + height / 2;
    });
    if (next) {
      if (item.nextElementSibling !== next) list.insertBefore(item, next);
    } else if (item !== items().at(-1)) items().at(-1)?.after(item);
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"]))
    list.addEventListener(kind, () => {
      const item = dragged && find();
      const id = dragged;
      dragged = 0;
      if (!item) return;
      item.classList.remove("dragged");
      /** @type {HTMLElement | null} */ (item.querySelector(".move"))?.focus();
      if (item.previousElementSibling === former) return;
      const [all, at] = [items(), items().indexOf(item)];
      const [before, after] = [all[at - 1], all[at + 1]];
      if (before) move(id, idOf(before), "after");
      else if (after) move(id, idOf(after), "before");
    });
}
