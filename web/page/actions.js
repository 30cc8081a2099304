// What the user can ask for from several views: a picture, one that begins with another, a link.

import { fieldsOf } from "../files/fields.js";
import { linkFields, linkTo } from "../options.js";
import { linkOf } from "../request/defaults.js";
import { keepInitial } from "../storage/initials.js";
import { remember, remembered } from "../storage/settings.js";
import { isIdle } from "../state/page.js";
import { say } from "../strings.js";
import { EXAMPLES, FIRST_SEED } from "../strings/demo.js";

/** @typedef {import("../engine/protocol.js").Request} Request */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {import("../views/form.js").Form} form
 * @param {object} others
 * @param {() => Promise<void> | null} others.reading a request in the prompt that is being read
 * @param {() => void} others.changed the form has
 * @param {() => void} others.toForm shows it
 * @param {(sentence: string) => void} others.tell
 */
export function createActions(state, session, form, { reading, changed, toForm, tell }) {
  /**
   * Gives a link to the clipboard; resolves to what was said of it.
   * @param {[string, string][]} fields
   * @param {string} [model] as of linkTo
   * @param {boolean} [begun] whether the picture began with another
   */
  async function copyLink(fields, model, begun = false) {
    const link = linkTo(fields, model);
    const short = linkFields(fields).length < fields.length;
    const told = short ? say.copiedShort() : begun ? say.copiedBegun() : say.copied();
    await navigator.clipboard.writeText(link).then(
      () => tell(told),
      () => window.prompt(say.copyYourself(), link),
    );
    return told;
  }

  return {
    /** Makes a picture; the first one in a browser, of the prompt that stands there, is good. */
    generate() {
      const waits = reading();
      if (waits) return void waits.then(() => isIdle(state) && this.generate());
      const first = remembered("pressed") === null && form.fields()["prompt"] === EXAMPLES[0];
      remember("pressed", "yes");
      void session.make(() => form.read(first ? FIRST_SEED : ""));
    },

    /** Fills in some fields. @param {[string, string][]} fields */
    fill(fields) {
      form.fill(fields);
      changed();
    },

    /**
     * Fills in the form for a picture that begins with another.
     * @param {Request} request the other's
     * @param {Blob} file
     */
    async vary(request, file) {
      form.vary(fieldsOf({ ...request }), await keepInitial(file));
      changed();
      toForm();
      form.initial.focus();
    },

    /**
     * A link to a picture.
     * @param {Request} request
     * @param {string} model
     */
    linkPicture: (request, model) =>
      copyLink(linkOf(request), model, typeof request.strength === "number"),

    /** A link to the form. */
    linkForm: () => copyLink(form.changes()),
  };
}
