// Makes the same requests with several checkpoints, one checkpoint after another, and compares the
// images, also with images of other programs: seconds, memory, similarity to the first column, CLIP
// score.

import { csvCell } from "./files/lines.js";

/** @typedef {import("./engine/client.js").Engine} Engine */
/** @typedef {import("./engine/client.js").Watch} Watch */
/** @typedef {import("./engine/protocol.js").Request} Request */
/** @typedef {Uint8Array<ArrayBuffer>} Png */

/**
 * A column: a model, or images of another program in the order of the requests.
 * @typedef {object} Column
 * @property {string} name
 * @property {string} [address] of the model; missing for images of another program
 * @property {(Png | undefined)[]} [pictures]
 * @property {number | undefined} [memory] the most graphics memory that the model used, in bytes
 *
 * An image, or why there is none.
 * @typedef {object} Cell
 * @property {Png} [png]
 * @property {number} [seconds]
 * @property {import("./engine/protocol.js").Likeness | undefined} [likeness] to the image of the
 * first column
 * @property {number} [score] by a CLIP model
 * @property {string} [fault] a sentence; empty if the user gave no image for this row
 *
 * @typedef {{ request: Request, cells: Cell[] }} Row
 * @typedef {{ columns: Column[], rows: Row[] }} Comparison
 */

/**
 * Fills in the cells of a comparison, one after another.
 * @param {Engine} engine
 * @param {Comparison} comparison its rows have no cells yet
 * @param {object} how
 * @param {import("./engine/protocol.js").Options} how.options how models are opened
 * @param {string} how.judge the address of the CLIP model that scores images; empty: no scores
 * @param {Watch} watch
 * @param {(progress: { model?: string, row?: number, judging?: boolean }) => void} onProgress is
 *   called before each image (`model`, `row`) and each score (`judging`, `row`), and when cells
 *   have changed
 */
export async function compare(engine, comparison, { options, judge }, watch, onProgress) {
  for (const [index, column] of comparison.columns.entries()) {
    if (column.address === undefined) await takePictures(comparison, index);
    else await makePictures(engine, comparison, index, options, watch, onProgress);
    onProgress({});
  }
  for (const row of comparison.rows) await measureLikeness(engine, row);
  onProgress({});
  if (judge) await scoreAll(engine, comparison, judge, watch, onProgress);
}

/** @type {(comparison: Comparison, index: number) => Promise<void>} */
async function takePictures({ columns, rows }, index) {
  for (const [at, row] of rows.entries()) {
    const png = columns[index]?.pictures?.[at];
    // An empty fault: the user gave no image for this row.
    row.cells[index] = png ? { png } : { fault: "" };
  }
}

/**
 * @param {Engine} engine
 * @param {Comparison} comparison
 * @param {number} index
 * @param {import("./engine/protocol.js").Options} options
 * @param {Watch} watch
 * @param {Parameters<typeof compare>[4]} onProgress
 */
async function makePictures(engine, { columns, rows }, index, options, watch, onProgress) {
  const column = columns[index];
  if (column?.address === undefined) return;
  onProgress({ model: column.name });
  try {
    await engine.open(column.address, options, watch);
  } catch (error) {
    const { kind, message } = /** @type {import("./engine/client.js").EngineError} */ (error);
    if (kind === "cancelled") throw error;
    for (const row of rows) row.cells[index] = { fault: message };
    return;
  }
  for (const [at, row] of rows.entries()) {
    onProgress({ model: column.name, row: at });
    const startTime = performance.now();
    try {
      const { png } = await engine.generate(row.request, watch);
      row.cells[index] = { png, seconds: (performance.now() - startTime) / 1000 };
    } catch (error) {
      const { kind, message } = /** @type {import("./engine/client.js").EngineError} */ (error);
      // A request that this model cannot do is a result of the comparison; other errors end it.
      if (kind !== "request") throw error;
      row.cells[index] = { fault: message };
    }
  }
  column.memory = await engine.memory();
}

/** @type {(engine: Engine, row: Row) => Promise<void>} */
async function measureLikeness(engine, { cells }) {
  const [first, ...others] = cells;
  if (!first?.png) return;
  for (const cell of others) {
    if (cell.png) cell.likeness = (await engine.likeness(first.png, cell.png)) ?? undefined;
  }
}

/**
 * @param {Engine} engine
 * @param {Comparison} comparison
 * @param {string} judge
 * @param {Watch} watch
 * @param {Parameters<typeof compare>[4]} onProgress
 */
async function scoreAll(engine, { rows }, judge, watch, onProgress) {
  for (const [at, { request, cells }] of rows.entries()) {
    onProgress({ judging: true, row: at });
    for (const cell of cells) {
      watch.signal?.throwIfAborted();
      if (cell.png) cell.score = await engine.score(judge, request.prompt, cell.png);
    }
  }
  onProgress({});
}

/**
 * The comparison as CSV (RFC 4180), a line for each image, with the columns of the native program.
 * @param {Comparison} comparison
 */
export function toCsv({ columns, rows }) {
  const head =
    "prompt,seed,column,seconds,memory_mb,psnr_db,ssim,largest_difference,clip_score,fault";
  const lines = rows.flatMap(({ request, cells }) =>
    cells.map(({ seconds, likeness, score, fault }, i) => {
      const { name = "", memory } = columns[i] ?? {};
      const psnr = likeness && (likeness.psnr === null ? "inf" : likeness.psnr.toFixed(2));
      const fields = [
        request.prompt,
        request.seed,
        name,
        seconds?.toFixed(2),
        memory && (memory / 1e6).toFixed(1),
        psnr,
        likeness?.ssim?.toFixed(4),
        likeness?.most,
        score?.toFixed(2),
        fault,
      ];
      return fields.map((field) => csvCell(String(field ?? ""))).join(",");
    }),
  );
  return `${[head, ...lines].join("\n")}\n`;
}

/**
 * The comparison as JSON, without the images.
 * @param {Comparison} comparison
 */
export function toJson({ columns, rows }) {
  const headings = columns.map(({ name, address = null, memory = null }) => {
    return { name, path: address, memory_bytes: memory };
  });
  const table = rows.map(({ request, cells }) => ({
    request,
    cells: cells.map(({ seconds = null, likeness, score = null, fault }) => {
      return { seconds, ...likeness, clip_score: score, ...(fault === undefined ? {} : { fault }) };
    }),
  }));
  return JSON.stringify({ columns: headings, rows: table }, null, 2);
}
