// Keeps the page's URL and the form equal. A link fills in the form and chooses the model; what the
// user types is written into the URL, and stored as the draft for the next visit.

import { isNewLink, readOptions, writeOptions } from "../options.js";
import { keepDraft, keptDraft, matchesDraft } from "../request/draft.js";
import { startImageFile } from "../storage/start_images.js";

/** Milliseconds without a change before the URL is updated. */
const REST_MS = 300;

/**
 * @param {import("../views/form.js").Form} form
 * @param {import("../session/session.js").Session} session
 * @param {object} views
 * @param {() => void} views.count counts the prompt's tokens
 * @param {(view: string) => void} views.show
 * @param {(name: string) => void} views.open opens a dialog over the view
 * @param {(view: string) => string} views.enter enters a view in the history; returns the name of
 * the dialog that was open over it
 * @param {(error: unknown) => void} views.tell
 */
export function createAddress(form, session, { count, show, open, enter, tell }) {
  let timer = 0;
  /** Whether a link was followed, perhaps before the page had restored its draft. */
  let followed = false;

  const keep = () => keepDraft({ fields: form.changes(), startImage: form.startImageDraft() });

  function reopen() {
    const { model, how } = readOptions();
    return session.open({ model, how });
  }

  /**
   * Updates the URL and the draft when nothing has changed for a moment.
   * @param {boolean} [waited] whether it was put off for a link
   */
  function writeSoon(waited = false) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // A link that is not followed yet: its fields must not be written over. To the same URL again
      // there is no `hashchange`.
      if (isNewLink() && !waited) return writeSoon(true);
      writeOptions(form.changes());
      keep();
    }, REST_MS);
  }

  return {
    reopen,

    /** The form has changed: counts the tokens; updates the URL and the draft after a moment. */
    changed() {
      count();
      writeSoon();
    },

    /**
     * Fills in the form when the page opens. If the URL has nothing that the draft does not have,
     * the draft is restored; else the URL's fields are used.
     */
    async begin() {
      const { view, fields } = readOptions();
      const draft = keptDraft();
      if (draft && (!fields.length || matchesDraft(fields, draft))) {
        form.fill(draft.fields);
        const { initial = "", mask = "", steps = "", controls, ...others } = draft.startImage;
        if (controls) form.fill([["controls", controls]]);
        const file = initial && (await startImageFile(initial).catch(() => undefined));
        if (followed) return;
        if (file) form.fill(Object.entries({ ...others, initial, mask }));
        form.startImage.useSteps(steps);
        await form.startImage.recover().catch(tell);
        if (followed) return;
      } else form.fill(fields);
      count();
      const opened = enter(view);
      show(view);
      open(opened);
      await reopen();
    },

    /** Follows a link that is opened in this tab. If it has no fields, the form stays as it is. */
    async follow() {
      followed = true;
      const { model, how, view, fields } = readOptions();
      const another = !session.has({ model, how });
      if (fields.length) form.open(fields, another);
      count();
      keep();
      enter(view);
      show(view);
      if (another) await reopen();
    },
  };
}
