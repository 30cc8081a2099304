// Grids as this browser stores them. A cell is a job of the queue, then an image of the gallery;
// both name the grid and the cell, so what has become of a cell is found at any time, also after a
// reload. A cell whose job was removed, or whose image was deleted, can be made again.

import { addJobs, listJobs, putJobs, takeJobs } from "../storage/jobs.js";
import { listImages } from "../storage/images.js";
import { byModel } from "./choices.js";
import { changed, transact } from "./database.js";

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../storage/jobs.js").Origin} Origin */
/** @typedef {import("./cells.js").Scale} Scale */
/** @typedef {import("./expand.js").Expanded} Expanded */

/**
 * @typedef {object} SavedGrid
 * @property {string} id
 * @property {number} made milliseconds since 1970
 * @property {string} title
 * @property {[Scale, Scale, Scale]} scales of x, y and z
 * @property {SavedCell[]} cells x changes first, z last
 *
 * A cell; `choice`: the model to make it with, if an axis changes that.
 * @typedef {Expanded & { choice?: import("../state/page.js").Choice }} SavedCell
 */

/** All grids, the latest first. @returns {Promise<SavedGrid[]>} */
export async function listGrids() {
  /** @type {SavedGrid[]} */
  const grids = await transact("grids", "readonly", (store) => store.getAll());
  return grids.sort((a, b) => b.made - a.made);
}

/**
 * Stores a grid, and adds its cells to the queue.
 * @param {Omit<SavedGrid, "id" | "made">} grid
 * @returns {Promise<SavedGrid>}
 */
export async function addGrid(grid) {
  const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const saved = { ...grid, id, made: Date.now() };
  await transact("grids", "readwrite", (store) => void store.put(saved));
  await addCells(
    saved,
    saved.cells.map((_cell, at) => at),
  );
  changed();
  return saved;
}

/**
 * Adds cells of a grid to the queue, for the first time or again; those of one model together.
 * @param {SavedGrid} grid
 * @param {number[]} which
 */
export async function addCells({ id, cells }, which) {
  /** @type {import("../files/table.js").Row[]} */
  const rows = [];
  /** @type {Origin[]} */
  const origins = [];
  /** @type {Job["choice"][]} */
  const choices = [];
  for (const at of byModel(cells, which)) {
    const { fields, template, choice } = cells[at] ?? /** @type {SavedCell} */ ({ fields: {} });
    rows.push(fields);
    choices.push(choice);
    origins.push({ ...(template && { template }), grid: id, cell: at });
  }
  await addJobs(rows, origins, "", choices);
}

/** The jobs and images of now. A job is done after its image is stored, so images come second. */
export async function readStates() {
  const jobs = await listJobs();
  return { jobs, images: await listImages() };
}

/**
 * Takes cells of a grid out of the queue, by what is stored of them at this moment. A cell that
 * runs stays.
 * @param {SavedGrid} grid
 * @param {(job: Job) => boolean} [which] without it all
 * @returns {Promise<Job[]>} those that were taken out
 */
export const stopCells = ({ id }, which = () => true) =>
  takeJobs((job) => job.origin?.grid === id && job.state !== "running" && which(job));

/**
 * Deletes a grid; its images stay in the gallery. Returns what brings it back.
 * @param {SavedGrid} grid
 */
export async function dropGrid(grid) {
  const taken = await stopCells(grid);
  await transact("grids", "readwrite", (store) => store.delete(grid.id));
  changed();
  return async () => {
    await transact("grids", "readwrite", (store) => void store.put(grid));
    await putJobs(taken);
    changed();
  };
}
