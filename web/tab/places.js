// Writes the user's place into the browser's history: the view, and the dialog that is open over
// it. Back closes the dialog or goes to the view before; Forward does the opposite; a reload keeps
// the place.
//
// An entry of the history has the view, the name of the dialog, and the number of a visit. A visit
// begins with a link and has all entries that follow it. Back and Forward within a visit keep the
// form, even if the URLs differ in their fields. An entry of another visit is like a link.

import { addressOf, viewOf } from "../options.js";

/** @typedef {{ view: string, open: string, visit: number }} Place */

/** @returns {Place | null} of the present entry; null if the user came to it by a link */
function here() {
  const { state } = history;
  if (typeof state?.visit !== "number") return null;
  // Older versions of the page called the view `room`.
  return { ...state, view: viewOf(state.view ?? state.room) };
}

/**
 * @param {object} handlers
 * @param {() => void} handlers.onLink the URL is a link, or that of another visit
 * @param {(view: string) => void} handlers.onView shows a view
 * @param {(name: string) => void} handlers.onOpen opens a dialog; closes it if the name is empty
 */
export function createPlaces({ onLink, onView, onOpen }) {
  let visit = here()?.visit ?? Date.now();
  /** Whether the browser is going back from the entry of a dialog; `popstate` ends that. */
  let leaves = false;
  /** @type {(() => void)[]} what to do after that */
  const afterBack = [];

  /**
   * @param {"pushState" | "replaceState"} how
   * @param {string} view
   * @param {string} open
   */
  function write(how, view, open) {
    history[how]({ view, open, visit }, "", addressOf(view));
  }

  /** Does something now, or after the browser has gone back. @param {() => void} act */
  function soon(act) {
    if (leaves) afterBack.push(act);
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
      // One of them may go back again: then the rest waits once more.
      for (let act = afterBack.shift(); act; act = leaves ? undefined : afterBack.shift()) act();
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
    /**
     * Writes the view of a link, or of the page as it was loaded, into the present entry. Returns
     * the name of the dialog in it.
     * @param {string} view
     */
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

    /** A dialog opens over the view; Back will close it. @param {string} name */
    open(name) {
      soon(() => {
        const { view = viewOf(), open = "" } = here() ?? {};
        if (open !== name) write(open ? "replaceState" : "pushState", view, name);
      });
    },

    /**
     * A dialog was closed, not by Back.
     * @param {string} name how its name begins
     */
    close(name) {
      if (!leaves && here()?.open.startsWith(name)) back();
    },
  };
}
