// The queue: what enters it, from the form, from lists of prompts and from files; the list of it;
// and what runs it. Prompts with {a|b} and __lists__ are expanded before they enter.

import { createRunner } from "../queue/runner.js";
import { withoutSecondPass, withoutStartImage } from "../request/defaults.js";
import { expands } from "../request/expands.js";
import { requestOf } from "../request/fields.js";
import { addJobs, changeJob, listJobs } from "../storage/jobs.js";
import { say } from "../strings.js";
import { mayNotify, notify } from "../tab/signal.js";
import { createQueue } from "../views/queue.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {import("../storage/jobs.js").Origin} Origin */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {import("../views/form.js").Form} form
 * @param {(error: unknown) => void} tell
 */
export function createQueueing(state, session, form, tell) {
  /**
   * @param {Row[]} rows fields that a row lacks are the form's
   * @param {boolean} [whole] whether a row without a start image has none: not the form's either
   * @param {string} [click] the press of Generate that asks for them
   * @returns {Promise<number>} how many jobs they became
   */
  async function add(rows, whole = false, click = "") {
    const { seed: _seed, ...rest } = form.fields();
    // The form's mask and strength belong to the form's start image.
    const others = withoutStartImage(rest);
    const forStart = withoutSecondPass(others);
    const formsOf = (/** @type {Row} */ row) => (row["initial"] ? forStart : whole ? others : rest);
    const full = rows.map((row) => ({ ...formsOf(row), ...row }));
    if (!full.some(expands)) return addJobs(full, [], click).then(() => full.length);
    const { expandRows } = await import("../batch/jobs.js");
    const made = await expandRows(full);
    await addJobs(
      made.map(({ fields }) => fields),
      made.map(({ template }) => template && { template }),
      click,
    );
    return made.length;
  }

  const runner = createRunner(state, {
    list: listJobs,
    change: changeJob,
    async make({ fields, origin, choice }) {
      const wanted = () => ({ ...requestOf(fields), origin });
      // The list of jobs shows the fault of a job; the form does not.
      if (!choice) return session.make(wanted, false);
      const { theJobModels } = await import("../batch/job_models.js");
      return theJobModels(state, session).make(wanted, choice);
    },
    onMade: (hear) => session.on("kept", hear),
    onEnd: (done) => notify(say.queueEnded(done)),
    onFault: tell,
  });
  const queue = createQueue(state, {
    onAdd: async (rows) => void (await add(rows)),
    onRun: () => void runner.run(),
    onStop: runner.stop,
    mayNotify,
    onFault: tell,
  });

  return {
    add,
    run: runner.run,
    runs: () => state.get().queueRuns,
    /** The page's model. */
    choice: () => state.get().choice,
    /** The view is shown. */
    enter: queue.enter,

    /** Shows the jobs, and goes on with them. @param {boolean} interrupted */
    async begin(interrupted) {
      await queue.refresh();
      if (interrupted) await runner.resume();
    },
  };
}
