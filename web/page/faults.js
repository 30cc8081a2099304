// Faults: shown where the user is, and kept for a report without what was typed.

import { storageSentence } from "../storage/database.js";
import { keepFault } from "../storage/faults.js";
import { say } from "../strings.js";
import { anyById } from "../dom.js";

/** @typedef {import("../views/form.js").Form} Form */

/**
 * @param {Form} form
 * @param {object} views
 * @param {() => string} views.here which view is shown
 * @param {(sentence: string) => void} views.note says something calm, above all views
 */
export function createFaults(form, { here, note }) {
  /** Whether a fault stands in another view than the form's. */
  let elsewhere = false;

  /**
   * Shows a fault that no run has told, where the user is.
   * @param {unknown} error
   */
  async function tell(error) {
    const calm = await storageSentence(error);
    if (calm) return note(calm);
    const message = error instanceof Error ? error.message : String(error);
    const view = here();
    elsewhere = view !== "create";
    const place = elsewhere ? anyById(`view-${view}`).querySelector(".view-head") : null;
    form.complain({ message }, place);
  }

  /**
   * @param {string} kind
   * @param {string} message
   */
  function keep(kind, message) {
    const { prompt = "", negative_prompt: avoid = "" } = form.fields();
    keepFault(kind, message, anyById("engine-facts").textContent?.trim() ?? "", [prompt, avoid]);
  }

  /** A mistake of this page. @param {string} reason */
  function tellBug(reason) {
    keep("page", reason);
    void tell(say.bug(reason));
  }

  addEventListener("error", ({ message }) => tellBug(message));
  addEventListener("unhandledrejection", ({ reason }) => tellBug(String(reason)));

  return {
    tell,
    keep,

    /** The user leaves the view: what was said there is over. */
    leave() {
      if (elsewhere) form.complain(null);
      elsewhere = false;
    },
  };
}
