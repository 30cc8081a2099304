// Opens the dialog that enlarges images, which is loaded when it is first opened. It is a place of
// the browser's history; when it is closed, the focus goes on where the user was, or to the result.

import { button } from "../dom.js";

/** The dialog's name in the browser's history. */
export const ENLARGE = "enlarge";

/** @typedef {import("../enlarge/dialog.js").Record} Record */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {Omit<import("../enlarge/dialog.js").Handlers, "onClose"> & {
 *   places: () => ReturnType<typeof import("../tab/places.js").createPlaces> }} handlers
 */
export function createEnlarging(state, session, { places, ...handlers }) {
  /** @type {Promise<ReturnType<typeof import("../enlarge/dialog.js").createEnlarge>> | null} */
  let loading = null;
  /** Moves the focus to where the dialog was opened. */
  let goBack = () => {};

  const load = () =>
    (loading ??= import("../enlarge/dialog.js").then(
      ({ createEnlarge }) =>
        createEnlarge(state, session, {
          ...handlers,
          onClose(made) {
            places().close(ENLARGE);
            if (made) button("enlarge").focus({ preventScroll: true });
            else goBack();
          },
        }),
      (error) => {
        // The next call loads it again.
        loading = null;
        throw error;
      },
    ));

  return {
    /**
     * @param {Record} of what is known of the image
     * @param {Blob} file
     * @param {() => void} [back] moves the focus to where this was asked for
     */
    async open(of, file, back) {
      const { activeElement: focus } = document;
      try {
        await (await load()).open(of, file);
        goBack = back ?? (() => focus instanceof HTMLElement && focus.focus());
        places().open(ENLARGE);
      } catch (error) {
        handlers.tell(error);
      }
    },

    /** Closes it: the browser went to another place. */
    close: () => void loading?.then((dialog) => dialog.close()),
  };
}
