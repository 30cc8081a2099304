// The rooms of the page: a button with `data-room="x"` shows the section `room-x`.

import { anyById } from "../dom.js";
import { nameRoom } from "../tab/signal.js";

/**
 * @param {import("../state/page.js").Page} state
 * @param {Record<string, () => void>} enter what a room does when it is entered
 * @param {(room: string) => void} onGo the user has gone to another
 */
export function createRooms(state, enter, onGo) {
  const doors = [...anyById("rooms").querySelectorAll("button")];
  const name = (/** @type {HTMLElement} */ door) => door.dataset["room"] ?? "";
  const first = name(/** @type {HTMLElement} */ (doors[0]));
  const here = () => state.get().view || first;

  /** @param {string} wanted */
  function show(wanted) {
    if (!doors.some((door) => name(door) === wanted)) return;
    for (const door of doors) {
      const isHere = name(door) === wanted;
      if (isHere) {
        door.setAttribute("aria-current", "page");
        nameRoom(wanted === first ? "" : (door.firstChild?.textContent?.trim() ?? ""));
      } else door.removeAttribute("aria-current");
      anyById(`room-${name(door)}`).hidden = !isHere;
    }
    state.set({ view: wanted });
    document.documentElement.dataset["view"] = wanted;
    scrollTo(0, 0);
    enter[wanted]?.();
  }

  /** @param {string} wanted */
  function go(wanted) {
    show(wanted);
    onGo(here());
  }

  anyById("skip").addEventListener("click", (event) => {
    // Not by the address, which is the form's.
    event.preventDefault();
    const heading = anyById(`room-${here()}`).querySelector("h2");
    (heading ?? anyById("prompt")).focus();
  });
  for (const door of doors) door.addEventListener("click", () => go(name(door)));
  return { go, show, here };
}
