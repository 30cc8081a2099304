// Where the user is, in the browser's history: which view, and what is open in it. Back closes what
// is open and goes to the view before, Forward the other way, and a reload stays.
//
// An entry of the history remembers the view, what is open, and a visit: all that follows one
// link. Within a visit the form stays as it is, whatever the address of an entry says; an entry of
// another visit is a link again.

import { addressOf } from "../options.js";

/** @typedef {{ room: string, open: string, visit: number }} Place */

/** @returns {Place | null} of this entry; null when the user has just come to it by a link */
function here() {
  const { state } = history;
  return typeof state?.visit === "number" ? state : null;
}

/**
 * @param {object} handlers
 * @param {() => void} handlers.onLink the address is that of another visit, or of a link
 * @param {(room: string) => void} handlers.onRoom a view is to be shown
 * @param {(name: string) => void} handlers.onOpen this is to be open; empty: nothing
 */
export function createPlaces({ onLink, onRoom, onOpen }) {
  let visit = here()?.visit ?? Date.now();
  /** Whether the history is on its way back from what was open. */
  let leaves = false;
  /** @type {(() => void) | null} what to do when it has arrived */
  let then = null;

  /**
   * @param {"pushState" | "replaceState"} how
   * @param {string} room
   * @param {string} open
   */
  function write(how, room, open) {
    history[how]({ room, open, visit }, "", addressOf(room));
  }

  /** @param {() => void} act once the history stands still */
  function soon(act) {
    if (leaves) then = act;
    else act();
  }

  function back() {
    leaves = true;
    history.back();
  }

  addEventListener("popstate", () => {
    const place = here();
    if (!place) return;
    if (leaves) {
      leaves = false;
      write("replaceState", place.room, place.open);
      then?.();
      then = null;
      return;
    }
    const another = place.visit !== visit;
    visit = place.visit;
    if (another) onLink();
    else write("replaceState", place.room, place.open);
    onRoom(place.room);
    onOpen(place.open);
  });

  addEventListener("hashchange", () => {
    if (here()) return;
    visit = Date.now();
    leaves = false;
    onLink();
  });

  return {
    /** The view of a link, or of the page as it was loaded. @param {string} room */
    begin(room) {
      const open = here()?.open ?? "";
      write("replaceState", room, open);
      return open;
    },

    /** The user goes to a view. @param {string} room */
    go(room) {
      soon(() => {
        const place = here();
        if (place?.open && place.room === room) back();
        else if (place?.open) write("replaceState", room, "");
        else if (place?.room !== room) write("pushState", room, "");
      });
    },

    /** Something opens over the view, and Back is to close it. @param {string} name */
    open(name) {
      soon(() => {
        const { room = "develop", open = "" } = here() ?? {};
        if (open !== name) write(open ? "replaceState" : "pushState", room, name);
      });
    },

    /** It was closed by other means. */
    close() {
      if (!leaves && here()?.open) back();
    },
  };
}
