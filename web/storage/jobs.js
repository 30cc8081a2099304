// The queue's jobs: requests that wait, run, failed or are done. They are stored, so that they are
// there when the page is opened again.

import { changed, transact } from "./database.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {"waiting" | "running" | "done" | "failed"} JobState */
/**
 * `order`: its place among the others where the user has moved some; else its number counts.
 * `made`: how many of its images are made, while it runs. `click`: the press of Generate that it
 * belongs to. `choice`: the model to open for it, of a cell of a grid over models.
 * @typedef {{ id: number, fields: Row, state: JobState, reason?: string, origin?: Origin,
 *   order?: number, made?: number, click?: string,
 *   choice?: import("../state/page.js").Choice }} Job
 */

/**
 * Where the request of a job, and of its image, comes from: prompts before they were expanded, and
 * the cell of a grid.
 * @typedef {{ template?: { prompt?: string, negative_prompt?: string }, grid?: string,
 *   cell?: number }} Origin
 */

/**
 * @param {Row[]} rows
 * @param {(Origin | undefined)[]} [origins] of the rows
 * @param {string} [click] the press of Generate that they belong to
 * @param {Job["choice"][]} [choices] the models of the rows
 */
export async function addJobs(rows, origins = [], click = "", choices = []) {
  await transact(["jobs"], "readwrite", (jobs) => {
    for (const [at, fields] of rows.entries()) {
      const origin = origins[at];
      const choice = choices[at];
      const beside = {
        ...(origin && { origin }),
        ...(click && { click }),
        ...(choice && { choice }),
      };
      jobs.add({ fields, state: "waiting", ...beside });
    }
  });
  changed("jobs");
}

/** @param {Job} job */
const orderOf = ({ id, order = id }) => order;

/** Sorts jobs by their places. @param {Job[]} jobs */
const inOrder = (jobs) => jobs.sort((a, b) => orderOf(a) - orderOf(b) || a.id - b.id);

/**
 * All jobs in their order.
 * @returns {Promise<Job[]>}
 */
export async function listJobs() {
  return inOrder(await transact(["jobs"], "readonly", (jobs) => jobs.getAll()));
}

/**
 * Stores a changed job, unless it was removed in the meantime; its place may have changed.
 * @param {Job} job
 * @param {JobState} [from] the state that it must have until now
 * @returns {Promise<boolean>} whether it was stored
 */
export async function changeJob(job, from) {
  let stored = false;
  await transact(["jobs"], "readwrite", (jobs) => {
    const reading = jobs.get(job.id);
    reading.onsuccess = () => {
      /** @type {Job | undefined} */
      const before = reading.result;
      if (!before || (from && before.state !== from)) return;
      stored = true;
      jobs.put(before.order === undefined ? job : { ...job, order: before.order });
    };
  });
  if (stored) changed("jobs");
  return stored;
}

/**
 * Moves a job before or after another; the rest keep their order.
 * @param {number} id
 * @param {number} neighbour the other's number
 * @param {"before" | "after"} side
 * @returns {Promise<{ place: number, count: number } | null>} its place among all jobs, from 1;
 * null if one of the two is gone
 */
export async function moveJob(id, neighbour, side) {
  /** @type {{ place: number, count: number } | null} */
  let moved = null;
  await transact(["jobs"], "readwrite", (jobs) => {
    const reading = jobs.getAll();
    reading.onsuccess = () => {
      const before = inOrder(/** @type {Job[]} */ (reading.result));
      const own = before.find((job) => job.id === id);
      const after = before.filter((job) => job !== own);
      const beside = after.findIndex((job) => job.id === neighbour);
      if (!own || beside < 0) return;
      const to = side === "before" ? beside : beside + 1;
      after.splice(to, 0, own);
      moved = { place: to + 1, count: after.length };
      // The places that they had are dealt out anew, so that later jobs come after all of them.
      const places = before.map(orderOf);
      for (const [at, job] of after.entries())
        if (job !== before[at]) jobs.put({ ...job, order: places[at] });
    };
  });
  if (moved) changed("jobs");
  return moved;
}

/**
 * Deletes jobs by what is stored of them at this moment.
 * @param {(job: Job) => boolean} which
 * @returns {Promise<Job[]>} those that were deleted
 */
export async function takeJobs(which) {
  /** @type {Job[]} */
  let taken = [];
  await transact(["jobs"], "readwrite", (jobs) => {
    const reading = jobs.getAll();
    reading.onsuccess = () => {
      taken = /** @type {Job[]} */ (reading.result).filter(which);
      for (const { id } of taken) jobs.delete(id);
    };
  });
  if (taken.length) changed("jobs");
  return taken;
}

/** @param {number[]} ids */
export async function deleteJobs(ids) {
  await transact(["jobs"], "readwrite", (jobs) => ids.forEach((id) => jobs.delete(id)));
  changed("jobs");
}

/** Stores deleted jobs again, in their old places. @param {Job[]} old */
export async function putJobs(old) {
  await transact(["jobs"], "readwrite", (jobs) => old.forEach((job) => jobs.put(job)));
  changed("jobs");
}
