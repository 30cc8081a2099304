// Actions that several views offer: make an image, use an image as start image, copy a link.

import { writeControls } from "../files/control_choices.js";
import { fieldsOf } from "../files/fields.js";
import { MODEL, linkFields, linkTo } from "../options.js";
import { STRENGTHS, changedFields } from "../request/defaults.js";
import { expands } from "../request/expands.js";
import { hasRequest } from "../storage/known.js";
import { keepStartImage } from "../storage/start_images.js";
import { remember, remembered } from "../storage/settings.js";
import { isIdle } from "../state/page.js";
import { say } from "../strings.js";
import { FIRST_PROMPT, FIRST_SEED } from "../strings/demo.js";

/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */
/** @typedef {import("../engine/protocol.js").Request} Request */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {import("../views/form.js").Form} form
 * @param {object} others
 * @param {() => Promise<void> | null} others.pasteInProgress resolves when a pasted request has
 * been read into the form; null if there is none
 * @param {() => void} others.changed is called when the form has changed
 * @param {() => void} others.toForm shows the form
 * @param {(sentence: string) => void} others.tell shows a sentence
 * @param {(fields: Record<string, string>) => void} others.onExpand makes images of prompts that
 * are to be expanded
 */
export function createActions(state, session, form, others) {
  const { pasteInProgress, changed, toForm, tell, onExpand } = others;

  /**
   * Copies a link to the clipboard. Resolves to the sentence about it.
   * @param {[string, string][]} fields
   * @param {string} [model] as for linkTo
   * @param {boolean} [hasMore] whether the image was made of pictures, or enlarged, which no link
   * has
   */
  async function copyLink(fields, model, hasMore = false) {
    const link = linkTo(fields, model);
    const truncated = linkFields(fields).length < fields.length;
    const copied = hasMore ? say.copiedSettings() : say.copied();
    const sentence = truncated ? say.copiedTruncated() : copied;
    await navigator.clipboard.writeText(link).then(
      () => tell(sentence),
      () => window.prompt(say.copyYourself(), link),
    );
    return sentence;
  }

  /** What is read or stored for the form; null if all of it is there. */
  const pending = () => pasteInProgress() ?? form.pending();

  return {
    /** Resolves when all that was given to the form is there. */
    async settled() {
      for (let one = pending(); one; one = pending()) await one;
    },

    /**
     * Makes an image. The first click in a browser, with the example prompt unchanged, uses a seed
     * that is known to give a good image.
     */
    generate() {
      if (pending()) {
        // Who waits for the rest tells what was wrong with it.
        const go = () => isIdle(state) && this.generate();
        return void this.settled().then(go, () => {});
      }
      if (expands(form.fields())) return onExpand(form.fields());
      const first = remembered("pressed") === null && form.fields()["prompt"] === FIRST_PROMPT;
      remember("pressed", "yes");
      void session.make(() => form.read(first ? FIRST_SEED : ""));
    },

    /** Fills in some fields. @param {[string, string][]} fields */
    fill(fields) {
      form.fill(fields);
      changed();
    },

    /**
     * Fills in the form so that an image becomes the start image of the next one.
     * @param {{ request: Request, controls?: ControlChoice[] | undefined }} made what made it
     * @param {Blob} file the image
     * @param {keyof typeof STRENGTHS} [how] "edit": with the painter of masks open
     */
    async vary({ request, controls = [] }, file, how = "vary") {
      if (!hasRequest({ request })) {
        toForm();
        if (!(await form.startImage.take(file, say.startImage()))) return;
        return how === "edit" ? form.startImage.edit() : form.startImage.focus();
      }
      const beside = /** @type {[string, string]} */ (["controls", writeControls(controls)]);
      const fields = [...fieldsOf({ ...request }), beside];
      form.vary(fields, await keepStartImage(file), STRENGTHS[how]);
      changed();
      toForm();
      if (how === "edit") await form.startImage.edit();
      else form.startImage.focus();
    },

    /**
     * Makes an image the start image, without a mask; everything else in the form stays.
     * @param {Blob} file
     */
    async goOnWith(file) {
      if (await form.startImage.take(file, say.startImage())) form.startImage.focus();
    },

    /**
     * Copies a link to an image.
     * @param {{ request: Request, model: string, initial?: unknown, controls?: unknown[],
     *   enlarged?: unknown }} image
     */
    linkPicture({ request, model, initial, controls = [], enlarged }) {
      const hasMore = !!initial || controls.length > 0 || !!enlarged;
      return copyLink(changedFields(request, model !== MODEL), model, hasMore);
    },

    /** Copies a link to the form. */
    linkForm: () => copyLink(form.changes()),
  };
}
