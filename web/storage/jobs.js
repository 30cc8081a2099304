// The queue's jobs: requests that wait, run, failed or are done. They are stored, so that they are
// there when the page is opened again.

import { changed, transact } from "./database.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {"waiting" | "running" | "done" | "failed"} JobState */
/**
 * `order`: its place among the others where the user has moved some; else its number counts.
 * @typedef {{ id: number, fields: Row, state: JobState, reason?: string, origin?: Origin,
 *   order?: number }} Job
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
 */
export async function addJobs(rows, origins = []) {
  await transact(["jobs"], "readwrite", (jobs) => {
    for (const [at, fields] of rows.entries()) {
      const origin = origins[at];
      jobs.add({ fields, state: "waiting", ...(origin && { origin }) });
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

/** Stores a changed job; its place may have changed in the meantime. @param {Job} job */
export async function changeJob(job) {
  await transact(["jobs"], "readwrite", (jobs) => {
    const stored = jobs.get(job.id);
    stored.onsuccess = () => {
      const { order } = stored.result ?? job;
      jobs.put(order === undefined ? job : { ...job, order });
    };
  });
  changed("jobs");
}

/**
 * Moves a job to a place among all of them; the others keep their order.
 * @param {number} id
 * @param {number} to counted from 0
 */
export async function moveJob(id, to) {
  await transact(["jobs"], "readwrite", (jobs) => {
    const reading = jobs.getAll();
    reading.onsuccess = () => {
      const before = inOrder(/** @type {Job[]} */ (reading.result));
      const from = before.findIndex((job) => job.id === id);
      if (from < 0) return;
      // The places that they had are dealt out anew, so that later jobs come after all of them.
      const places = before.map(orderOf);
      const after = before.toSpliced(from, 1);
      after.splice(to, 0, .../** @type {Job[]} */ ([before[from]]));
      for (const [at, job] of after.entries())
        if (job !== before[at]) jobs.put({ ...job, order: places[at] });
    };
  });
  changed("jobs");
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
