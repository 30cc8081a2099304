// Connects the view that compares checkpoints with the session and the form. Loaded when that view
// is first shown.

import { compare } from "../compare.js";
import { PARTS } from "../engine/protocol.js";
import { MODEL, modelAddress, readOptions, tokenizerAddress } from "../options.js";
import { requestOf } from "../request/fields.js";
import { kindOf } from "../store/addons.js";
import { theStore } from "../store/shared.js";
import { compareText } from "../strings/compare.js";
import { createCompare } from "./compare.js";

/** @type {ReturnType<typeof createCompare> | null} */
let one = null;

/**
 * The view, made once.
 * @param {import("../session/session.js").Session} session
 * @param {import("../views/form.js").Form} form
 */
export function theComparing(session, form) {
  return (one ??= createCompare({
    builtIn: { name: compareText.builtIn(), model: MODEL },
    async stored() {
      const all = await theStore().list();
      const whole = all.filter((model) => model.complete && kindOf(model) === "model");
      return whole.map(({ manifest: { id, title } }) => ({ name: title, model: `stored/${id}` }));
    },
    address: modelAddress,
    request: (text, seed) =>
      requestOf({ ...form.fields(), prompt: text, seed, count: "1" }).request,
    async onRun(comparison, judge, onProgress) {
      const { how } = readOptions();
      // Each checkpoint is compared as it is.
      for (const part of [...PARTS, /** @type {const} */ ("decoder")]) delete how[part];
      const options = { ...how, tokenizer: tokenizerAddress(how) };
      const plan = { options, judge: judge && modelAddress(judge) };
      const outcome = await session.runWith(async (engine, watch) => {
        await compare(engine, comparison, plan, watch, onProgress);
        return compareText.done();
      });
      if (outcome === "cancelled") throw new Error(compareText.cancelled());
      if (typeof outcome === "object") throw new Error(outcome.failed);
    },
    onCancel: () => session.cancel(),
  }));
}
