// Connects the view "Speed" with the session and the form. Loaded when that view is first shown.

import { forgetTuning } from "../engine/tunings.js";
import { chooseKernels } from "../options.js";
import { requestOf } from "../request/fields.js";
import { createSpeed } from "./speed.js";

/** @type {ReturnType<typeof createSpeed> | null} */
let one = null;

/**
 * The view, made once.
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {import("./form.js").Form} form
 * @param {{ pictures: import("./speed.js").Handlers["pictures"],
 *   reopen: () => Promise<unknown> }} page `reopen` opens the model again, as the address says
 */
export function theSpeeding(state, session, form, { pictures, reopen }) {
  const { engine } = session;
  const size = () => requestOf({ ...form.fields(), count: "1" }).request;
  return (one ??= createSpeed(state, session, {
    pictures,
    memory: () => Promise.all([engine.held(), engine.memory()]),
    onMeasure: () => void session.profile(size),
    async onChoose(kernels) {
      chooseKernels(kernels);
      await reopen();
    },
    async onForget(key) {
      await forgetTuning(key);
      await reopen();
    },
  }));
}
