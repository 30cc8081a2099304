// The address and the form: each says what the other does. A link fills in the form and chooses the
// model; what is typed is written into the address and kept for the next visit.

import { readOptions, writeOptions } from "../options.js";
import { isOf, keepDraft, keptDraft } from "../request/draft.js";
import { initialFile } from "../storage/initials.js";

/** Milliseconds of rest before the address is brought up to date. */
const REST_MS = 300;

/**
 * @param {import("../views/form.js").Form} form
 * @param {import("../session/session.js").Session} session
 * @param {object} views
 * @param {() => void} views.count counts the prompt's tokens
 * @param {(view: string) => void} views.show
 * @param {(name: string) => void} views.open what is open over the view
 * @param {(view: string) => string} views.enter a view of the history; returns what was open in it
 */
export function createAddress(form, session, { count, show, open, enter }) {
  let timer = 0;

  const keep = () => keepDraft({ fields: form.changes(), begins: form.begins() });

  function reopen() {
    const { model, how } = readOptions();
    return session.open({ model, how });
  }

  return {
    reopen,

    /** The form has changed: the tokens are counted and the address follows, after a moment. */
    changed() {
      count();
      clearTimeout(timer);
      timer = setTimeout(() => {
        writeOptions(form.changes());
        keep();
      }, REST_MS);
    },

    /** Follows the address at the start. Where it says no more than was left here, that goes on. */
    async begin() {
      const { view, fields } = readOptions();
      const draft = keptDraft();
      if (draft && (!fields.length || isOf(fields, draft))) {
        form.fill(draft.fields);
        const { initial = "", strength = "" } = draft.begins;
        const there = initial && (await initialFile(initial).catch(() => undefined));
        if (there) form.fill(Object.entries({ strength, initial }));
      } else form.fill(fields);
      count();
      const opened = enter(view);
      show(view);
      open(opened);
      await reopen();
    },

    /** Follows a link that is opened in this tab: another form, unless it says nothing of one. */
    async follow() {
      const { model, how, view, fields } = readOptions();
      if (fields.length) form.open(fields);
      count();
      keep();
      enter(view);
      show(view);
      if (!session.has({ model, how })) await reopen();
    },
  };
}
