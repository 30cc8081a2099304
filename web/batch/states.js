// What has become of the cells of a grid, by the jobs of the queue and the images of the gallery.

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */
/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("./grids.js").SavedGrid} SavedGrid */

/**
 * What has become of a cell: its image, or why there is none.
 * @typedef {object} CellState
 * @property {"done" | "waiting" | "running" | "failed" | "cancelled"} state
 * @property {SavedImage} [image]
 * @property {Job} [job]
 */

/**
 * What has become of each cell of a grid. Of two images of a cell it is the later one.
 * @param {SavedGrid} grid
 * @param {SavedImage[]} images
 * @param {Job[]} jobs
 * @returns {CellState[]}
 */
export function statesOf({ id, cells }, images, jobs) {
  /** @type {CellState[]} */
  const states = cells.map(() => ({ state: "cancelled" }));
  for (const job of jobs) {
    const { grid, cell } = job.origin ?? {};
    if (grid !== id || cell === undefined || !states[cell]) continue;
    // The image of a job that is done was deleted.
    states[cell] = { state: job.state === "done" ? "cancelled" : job.state, job };
  }
  for (const image of images.toSorted((a, b) => a.id - b.id)) {
    const { grid, cell } = image.origin ?? {};
    if (grid === id && cell !== undefined && states[cell]) states[cell] = { state: "done", image };
  }
  return states;
}
