// Where the user is, in the browser's history: which view, and what is open in it. Back closes what
// is open and goes to the view before, Forward the other way, and a reload stays.
//
// An entry of the history remembers the view, what is open, and a visit: all that follows one
// link. Within a visit the form stays as it is, whatever the address of an entry says; an entry of
// another visit is a link again.

import { addressOf, viewOf } from "../options.js";

/** @typedef {{ view: string, open: string, visit: number }} Place */

/** @returns {Place | null} of this entry; null when the user has just come to it by a link */
function here() {
  const { state } = history;
  if (typeof state?.visit !== "number") return null;
  // Entries of older versions have a room.
  return { ...state, view: viewOf(state.view ?? state.room) };
}

/**
 * @param {object} handlers
 * @param {() => void} handlers.onLink the address is that of another visit, or of a link
 * @param {(view: string) => void} handlers.onView a view is to be shown
 * @param {(name: string) => void} handlers.onOpen this is to be open; empty: nothing
 */
export function createPlaces({ onLink, onView, onOpen }) {
  let visit = here()?.visit ?? Date.now();
  /** Whether the history is on its way back from what was open. */
  let leaves = false;
  /** @type {(() => void) | null} what to do when it has arrived */
  let then = null;

  /**
   * @param {"pushState" | "replaceState"} how
   * @param {string} view
   * @param {string} open
   */
  function write(how, view, open) {
    history[how]({ view, open, visit }, "", addressOf(view));
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
      write("replaceState", place.view, place.open);
      then?.();
      then = null;
      return;
    }
    const another = place.visit !== visit;
    visit = place.visit;
    if (another) onLink();
    else write("replaceState", place.view, place.open);
    onView(place.view);
    onOpen(place.open);
  });

  addEventListener("hashchange", () => {
    if (here()) return;
    visit = Date.now();
    leaves = false;
    onLink();
  });

  return {
    /** The view of a link, or of the page as it was loaded. @param {string} view */
    begin(view) {
      const open = here()?.open ?? "";
      write("replaceState", view, open);
      return open;
    },

    /** The user goes to a view. @param {string} view */
    go(view) {
      soon(() => {
        const place = here();
        if (place?.open && place.view === view) back();
        else if (place?.open) write("replaceState", view, "");
        else if (place?.view !== view) write("pushState", view, "");
      });
    },

    /** Something opens over the view, and Back is to close it. @param {string} name */
    open(name) {
      soon(() => {
        const { view = viewOf(), open = "" } = here() ?? {};
        if (open !== name) write(open ? "replaceState" : "pushState", view, name);
      });
    },

    /** It was closed by other means. */
    close() {
      if (!leaves && here()?.open) back();
    },
  };
}
