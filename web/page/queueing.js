// The queue: what enters it, from the form, from lists of prompts and from files; the list of it;
// and what runs it. Prompts with {a|b} and __lists__ are expanded before they enter.

import { withoutSecondPass, withoutStartImage } from "../request/defaults.js";
import { expands } from "../request/expands.js";
import { requestOf } from "../request/fields.js";
import { addJobs, changeJob, listJobs } from "../storage/jobs.js";
import { say } from "../strings.js";
import { mayNotify, notify } from "../tab/signal.js";
import { queueRuns, whereNoQueueRuns } from "../tab/turn.js";
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

  const idle = () =>
    new Promise((/** @type {(value: void) => void} */ resolve) => {
      const look = () => {
        if (state.get().task) return;
        end();
        resolve();
      };
      const end = state.subscribe(["task"], look);
      look();
    });

  /** @type {import("../queue/runner.js").Needs} */
  const needs = {
    list: listJobs,
    change: changeJob,
    idle,
    hold: queueRuns,
    alone: whereNoQueueRuns,
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
  };
  /** @type {Promise<ReturnType<typeof import("../queue/runner.js").createRunner>> | null} */
  let loading = null;
  const runner = () =>
    (loading ??= import("../queue/runner.js").then(
      ({ createRunner }) => createRunner(state, needs),
      (error) => {
        loading = null;
        throw error;
      },
    ));
  const run = async (/** @type {string} */ click = "") => (await runner()).run(click);
  // The image can be saved from the page, until the next one is made.
  session.on("unkept", () => state.set({ queueRuns: false }));
  const queue = createQueue(state, {
    onAdd: async (rows) => void (await add(rows)),
    onRun: () => void run().catch(tell),
    // It ends after the present job.
    onStop: () => state.set({ queueRuns: false }),
    mayNotify,
    onFault: tell,
  });

  return {
    add,
    run,
    runs: () => state.get().queueRuns,
    /** The page's model. */
    choice: () => state.get().choice,
    /** The view is shown. */
    enter: queue.enter,

    /**
     * Shows the jobs, and goes on with them.
     * @param {boolean} interrupted whether the queue ran when the page was closed
     */
    async begin(interrupted) {
      const jobs = await queue.refresh();
      if (interrupted || jobs.some((job) => job.state === "running"))
        await (await runner()).resume(interrupted);
    },
  };
}
