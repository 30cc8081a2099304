// The queue's runner: makes the waiting jobs one after another, until none waits, the user stops it
// or the engine fails. If the page is closed while it runs, it goes on when the page is opened
// again. Of a job that was cancelled the images that are not made yet wait.

import { isChosen, laterSeed } from "../request/seed.js";

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../session/protocol.js").Outcome} Outcome */

/**
 * @typedef {object} Needs
 * @property {() => Promise<Job[]>} list reads all jobs
 * @property {(job: Job) => Promise<void>} change stores a changed job
 * @property {(fields: Job["fields"], origin: Job["origin"]) => Promise<Outcome>} make
 * @property {(hear: () => void) => () => void} onMade calls `hear` with each image that is made;
 * returns what ends that
 * @property {(done: number) => Promise<void> | void} onEnd no job waits any more
 * @property {(error: unknown) => void} onFault jobs could not be read or stored
 */

/**
 * @param {import("../state/page.js").Page} state `queueRuns` says whether the runner runs; setting
 * it to false ends the runner after the present job
 * @param {Needs} needs
 */
export function createRunner(state, { list, change, make, onMade, onEnd, onFault }) {
  /** Whether the loop of `run` is still running. */
  let looping = false;

  /**
   * Stores how a job ended.
   * @param {Job} job
   * @param {Outcome} outcome
   * @param {number} made how many of its images were made
   * @returns {Promise<boolean>} whether to go on with the next job
   */
  async function close(job, outcome, made) {
    if (outcome === "cancelled") {
      await change({ ...job, fields: restOf(job.fields, made), state: "waiting" });
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
        let made = 0;
        const end = onMade(() => (made += 1));
        const outcome = await make(job.fields, job.origin).finally(end);
        if (!(await close(job, outcome, made))) state.set({ queueRuns: false });
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

/**
 * The fields of a job's images that are not made yet.
 * @param {Job["fields"]} fields
 * @param {number} made
 */
export function restOf(fields, made) {
  const count = Number(fields["count"] ?? 1);
  if (!made || !(count > made)) return fields;
  const rest = { ...fields, count: String(count - made) };
  const seed = fields["seed"];
  return isChosen(seed) ? { ...rest, seed: laterSeed(seed.trim(), made) } : rest;
}
