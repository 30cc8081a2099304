// The queue's runner: makes the waiting jobs one after another, until none waits, the user stops it
// or the engine fails. If the page is closed while it runs, it goes on when the page is opened
// again. Of a job that was cancelled, or in which the page was closed, the images that are not made
// yet wait. Generate can run its own jobs alone. Loaded when the queue first runs.

import { isChosen, laterSeed } from "../request/seed.js";

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../session/protocol.js").Outcome} Outcome */

/**
 * @typedef {object} Needs
 * @property {() => Promise<Job[]>} list reads all jobs
 * @property {(job: Job, from?: Job["state"]) => Promise<boolean>} change stores a changed job that
 * is still there, and is still in the state `from`; resolves to whether it was stored
 * @property {() => Promise<void>} idle resolves when no task runs: a job ends none of the user's
 * @property {(job: Job) => Promise<Outcome>} make
 * @property {(hear: () => void) => () => void} onMade calls `hear` with each image that is made
 * and stored; returns what ends that
 * @property {() => Promise<() => void>} hold tells other tabs that this queue runs; resolves to
 * what ends that
 * @property {(work: () => Promise<void>) => Promise<boolean>} alone does work, unless a queue runs
 * in another tab; resolves to whether it was done
 * @property {(done: number) => Promise<void> | void} onEnd no job waits any more
 * @property {(error: unknown) => void} onFault jobs could not be read or stored
 */

/**
 * @param {import("../state/page.js").Page} state `queueRuns` says whether the runner runs; setting
 * it to false ends the runner after the present job
 * @param {Needs} needs
 */
export function createRunner(state, needs) {
  const { list, change, idle, make, onMade, hold, alone, onEnd, onFault } = needs;
  /** Whether the loop of `run` is still running. */
  let looping = false;
  /** The presses of Generate whose jobs alone run; null for all. @type {string[] | null} */
  let only = null;

  /**
   * Stores how a job ended.
   * @param {Job} job
   * @param {Outcome} outcome
   * @param {number} count how many of its images were made
   * @returns {Promise<boolean>} whether to go on with the next job
   */
  async function close(job, outcome, count) {
    if (outcome === "cancelled") {
      await change({ ...job, fields: restOf(job.fields, count), state: "waiting" });
      return false;
    }
    if (outcome === "done") {
      await change({ ...job, state: "done" });
      return true;
    }
    await change({ ...job, state: "failed", reason: outcome.failed });
    return !outcome.engineGone;
  }

  /**
   * Makes a job's images. After each one it is stored how many there are: if the page is closed,
   * only the others are made later.
   * @param {Job} job
   * @returns {Promise<Outcome>}
   */
  async function work(job) {
    await idle();
    if (!state.get().queueRuns) {
      await close(job, "cancelled", 0);
      return "cancelled";
    }
    const several = Number(job.fields["count"] ?? 1) > 1;
    let count = 0;
    /** @type {Promise<unknown>} */
    let stored = Promise.resolve();
    const end = onMade(() => {
      count += 1;
      const now = /** @type {Job} */ ({ ...job, state: "running", made: count });
      if (several) stored = stored.then(() => change(now));
    });
    const outcome = await make(job).finally(end);
    await stored;
    if (!(await close(job, outcome, count))) state.set({ queueRuns: false });
    return outcome;
  }

  /**
   * @param {string} [click] the press of Generate whose jobs alone are run; without it all are
   * @returns {Promise<boolean>} whether a job was cancelled
   */
  async function run(click = "") {
    state.set({ queueRuns: true });
    if (looping) {
      only = only && click ? [...only, click] : null;
      return false;
    }
    looping = true;
    only = click ? [click] : null;
    let [cancelled, done] = [false, 0];
    let release = () => {};
    try {
      release = await hold();
      while (state.get().queueRuns) {
        // The list may have changed in the meantime, also in another tab.
        const job = (await list()).find(
          ({ state: now, click = "" }) => now === "waiting" && (only?.includes(click) ?? true),
        );
        if (!job || !state.get().queueRuns) break;
        // It may be gone: removed, or begun by another tab.
        if (!(await change({ ...job, state: "running" }, "waiting"))) continue;
        const outcome = await work(job);
        if (outcome === "done") done += 1;
        cancelled = outcome === "cancelled";
      }
      if (state.get().queueRuns && done) await onEnd(done);
    } catch (error) {
      onFault(error);
    }
    release();
    looping = false;
    state.set({ queueRuns: false });
    return cancelled;
  }

  return {
    run,

    /**
     * After the page was closed: of the job that ran then the images wait that are not made yet.
     * Where a queue runs in another tab, that job is its.
     * @param {boolean} goesOn whether the queue ran as well: it runs again. If the job was one of a
     * press of Generate, only those run.
     */
    async resume(goesOn) {
      let click = "";
      const done = await alone(async () => {
        for (const job of (await list()).filter((one) => one.state === "running")) {
          click = job.click ?? "";
          await change(unfinished(job));
        }
      });
      if (done && goesOn) await run(click);
    },
  };
}

/**
 * A job that ran when the page was closed: its images wait that are not made yet.
 * @param {Job} job
 * @returns {Job}
 */
function unfinished({ made = 0, ...job }) {
  if (made > 0 && made >= Number(job.fields["count"] ?? 1)) return { ...job, state: "done" };
  return { ...job, fields: restOf(job.fields, made), state: "waiting" };
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
