// Moves the queue's jobs: by dragging the handle of one, or by Alt and the arrows up and down. Its
// new place is read aloud. Loaded with the first two jobs.

import { moveJob } from "../storage/jobs.js";
import { queueText as text } from "../strings/queue.js";
import { element } from "../dom.js";

/**
 * @param {HTMLElement} list its items have the numbers of their jobs, and a button `.move`
 * @param {(error: unknown) => void} onFault
 */
export function watchOrder(list, onFault) {
  const told = element("p", { id: "queue-moved", className: "unseen" });
  told.setAttribute("role", "status");
  list.after(told);
  const items = () => /** @type {HTMLElement[]} */ ([...list.children]);
  const idOf = (/** @type {HTMLElement} */ item) => item.dataset["job"] ?? "";

  /** @param {string} id @param {number} to */
  function move(id, to) {
    moveJob(Number(id), to).then(() => {
      told.textContent = text.moved(to + 1, items().length);
    }, onFault);
  }

  list.addEventListener("keydown", (event) => {
    const { key, altKey, ctrlKey, target } = event;
    const by = { ArrowUp: -1, ArrowDown: 1 }[key];
    const item = target instanceof Element ? target.closest("li") : null;
    if (!by || !altKey || ctrlKey || !item) return;
    event.preventDefault();
    const to = items().indexOf(item) + by;
    if (to < 0 || to >= items().length) told.textContent = text.atEnd(to < 0);
    else move(idOf(item), to);
  });

  watchDrag(list, items, idOf, move);
}

/**
 * @param {HTMLElement} list
 * @param {() => HTMLElement[]} items
 * @param {(item: HTMLElement) => string} idOf
 * @param {(id: string, to: number) => void} move
 */
function watchDrag(list, items, idOf, move) {
  /** The job that is dragged; empty if none is. */
  let dragged = "";
  /** The list may be made anew meanwhile. */
  const find = () => items().find((item) => idOf(item) === dragged);

  list.addEventListener("pointerdown", (event) => {
    const { target, button, pointerId } = event;
    const handle = target instanceof Element ? target.closest(".move") : null;
    const item = handle?.closest("li");
    if (!item || button !== 0) return;
    dragged = idOf(item);
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
    if (next ? item.nextElementSibling !== next : item !== list.lastElementChild)
      list.insertBefore(item, next ?? null);
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"]))
    list.addEventListener(kind, () => {
      const item = dragged && find();
      const id = dragged;
      dragged = "";
      if (!item) return;
      item.classList.remove("dragged");
      /** @type {HTMLElement | null} */ (item.querySelector(".move"))?.focus();
      move(id, items().indexOf(item));
    });
}
