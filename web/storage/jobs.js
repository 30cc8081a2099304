// The queue's jobs: requests that wait, run, failed or are done. They are stored, so that they are
// there when the page is opened again.

import { changed, transact } from "./database.js";

/** @typedef {import("../files/table.js").Row} Row */
/** @typedef {"waiting" | "running" | "done" | "failed"} JobState */
/** @typedef {{ id: number, fields: Row, state: JobState, reason?: string, origin?: Origin }} Job */

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

/**
 * All jobs in their order.
 * @returns {Promise<Job[]>}
 */
export function listJobs() {
  return transact(["jobs"], "readonly", (jobs) => jobs.getAll());
}

/** Stores a changed job. @param {Job} job */
export async function changeJob(job) {
  await transact(["jobs"], "readwrite", (jobs) => void jobs.put(job));
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
