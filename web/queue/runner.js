// The queue's runner: works through the jobs that wait, one after another, until none does, or the
// user or a fault of the engine stops it. A page that was closed at work goes on when it is opened
// again.

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../session/protocol.js").Outcome} Outcome */

/**
 * @typedef {object} Needs
 * @property {() => Promise<Job[]>} list all jobs as they are now
 * @property {(job: Job) => Promise<void>} change keeps a job that has changed
 * @property {(fields: Job["fields"]) => Promise<Outcome>} make
 * @property {(done: number) => Promise<void> | void} onEnd nothing waits any more
 * @property {(error: unknown) => void} onFault of what is kept
 */

/**
 * @param {import("../state/page.js").Page} state its `queueRuns` says whether it works; another may
 * set it to false, which ends it after the job that runs
 * @param {Needs} needs
 */
export function createRunner(state, { list, change, make, onEnd, onFault }) {
  /** Whether the loop below has not yet ended. */
  let works = false;

  /** @param {Job} job @param {Outcome} outcome @returns {Promise<boolean>} whether to go on */
  async function close(job, outcome) {
    if (outcome === "cancelled") {
      await change({ ...job, state: "waiting" });
      return false;
    }
    if (outcome === "done") {
      await change({ ...job, state: "done" });
      return true;
    }
    await change({ ...job, state: "failed", reason: outcome.failed });
    return !outcome.engineGone;
  }

  async function run() {
    state.set({ queueRuns: true });
    if (works) return;
    works = true;
    let done = 0;
    try {
      while (state.get().queueRuns) {
        // The list may have changed in the meantime, also in another tab.
        const job = (await list()).find((one) => one.state === "waiting");
        if (!job || !state.get().queueRuns) break;
        await change({ ...job, state: "running" });
        const outcome = await make(job.fields);
        if (!(await close(job, outcome))) state.set({ queueRuns: false });
        if (outcome === "done") done += 1;
      }
      if (state.get().queueRuns && done) await onEnd(done);
    } catch (error) {
      onFault(error);
    }
    works = false;
    state.set({ queueRuns: false });
  }

  return {
    run,

    /** Ends after the job that runs. */
    stop: () => state.set({ queueRuns: false }),

    /** Goes on with what was at work when the page was closed. */
    async resume() {
      for (const job of (await list()).filter((one) => one.state === "running"))
        await change({ ...job, state: "waiting" });
      await run();
    },
  };
}
