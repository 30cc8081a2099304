// The rooms of the page: a button with `data-room="x"` shows the section `room-x`.

import { anyById } from "./dom.js";

/** @param {Record<string, () => void>} enter what a room does when it is entered */
export function createRooms(enter) {
  const doors = [...anyById("rooms").querySelectorAll("button")];
  const name = (/** @type {HTMLElement} */ door) => door.dataset["room"] ?? "";

  /** @param {string} wanted */
  function go(wanted) {
    if (!doors.some((door) => name(door) === wanted)) return;
    for (const door of doors) {
      const here = name(door) === wanted;
      if (here) door.setAttribute("aria-current", "page");
      else door.removeAttribute("aria-current");
      anyById(`room-${name(door)}`).hidden = !here;
    }
    document.documentElement.dataset["room"] = wanted;
    scrollTo(0, 0);
    enter[wanted]?.();
  }

  for (const door of doors) door.addEventListener("click", () => go(name(door)));
  return { go };
}
