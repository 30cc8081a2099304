// The queue's runner: makes the waiting jobs one after another, until none waits, the user stops it
// or the engine fails. If the page is closed while it runs, it goes on when the page is opened
// again.

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../session/protocol.js").Outcome} Outcome */

/**
 * @typedef {object} Needs
 * @property {() => Promise<Job[]>} list reads all jobs
 * @property {(job: Job) => Promise<void>} change stores a changed job
 * @property {(fields: Job["fields"], origin: Job["origin"]) => Promise<Outcome>} make
 * @property {(done: number) => Promise<void> | void} onEnd no job waits any more
 * @property {(error: unknown) => void} onFault jobs could not be read or stored
 */

/**
 * @param {import("../state/page.js").Page} state `queueRuns` says whether the runner runs; setting
 * it to false ends the runner after the present job
 * @param {Needs} needs
 */
export function createRunner(state, { list, change, make, onEnd, onFault }) {
  /** Whether the loop of `run` is still running. */
  let looping = false;

  /**
   * Stores how a job ended.
   * @param {Job} job
   * @param {Outcome} outcome
   * @returns {Promise<boolean>} whether to go on with the next job
   */
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
    if (looping) return;
    looping = true;
    let done = 0;
    try {
      while (state.get().queueRuns) {
        // The list may have changed in the meantime, also in another tab.
        const job = (await list()).find((one) => one.state === "waiting");
        if (!job || !state.get().queueRuns) break;
        await change({ ...job, state: "running" });
        const outcome = await make(job.fields, job.origin);
        if (!(await close(job, outcome))) state.set({ queueRuns: false });
        if (outcome === "done") done += 1;
      }
      if (state.get().queueRuns && done) await onEnd(done);
    } catch (error) {
      onFault(error);
    }
    looping = false;
    state.set({ queueRuns: false });
  }

  return {
    run,

    /** Ends the runner after the present job. */
    stop: () => state.set({ queueRuns: false }),

    /** Goes on after the page was closed: the job that ran then waits again. */
    async resume() {
      for (const job of (await list()).filter((one) => one.state === "running"))
        await change({ ...job, state: "waiting" });
      await run();
    },
  };
}
