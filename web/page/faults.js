// Faults: shown in the present view, and stored for a report, without what the user typed.

import { storageSentence } from "../storage/database.js";
import { keepFault } from "../storage/faults.js";
import { say } from "../strings.js";
import { anyById } from "../dom.js";

/** @typedef {import("../views/form.js").Form} Form */

/**
 * @param {Form} form
 * @param {object} views
 * @param {() => string} views.here the name of the view that is shown
 * @param {(sentence: string) => void} views.note shows a sentence above all views
 */
export function createFaults(form, { here, note }) {
  /** Whether a fault is shown in another view than the form's. */
  let elsewhere = false;

  /**
   * Shows a fault that is not a task's, in the present view. A fault of storage is a note.
   * @param {unknown} error
   */
  async function tell(error) {
    const storageMessage = await storageSentence(error);
    if (storageMessage) return note(storageMessage);
    const message = error instanceof Error ? error.message : String(error);
    const view = here();
    elsewhere = view !== "create";
    const place = elsewhere ? anyById(`view-${view}`).querySelector(".view-head") : null;
    form.showFault({ message }, place);
  }

  /**
   * Stores a fault for a report.
   * @param {string} kind
   * @param {string} message
   */
  function keep(kind, message) {
    const { prompt = "", negative_prompt: negative = "" } = form.fields();
    keepFault(kind, message, anyById("engine-facts").textContent?.trim() ?? "", [prompt, negative]);
  }

  /** Shows and stores a bug of the page. @param {string} reason */
  function tellBug(reason) {
    keep("page", reason);
    void tell(say.bug(reason));
  }

  addEventListener("error", ({ message }) => tellBug(message));
  addEventListener("unhandledrejection", ({ reason }) => tellBug(String(reason)));

  return {
    tell,
    keep,

    /** The user leaves the view: hides the fault that is shown there. */
    leave() {
      if (elsewhere) form.showFault(null);
      elsewhere = false;
    },
  };
}
