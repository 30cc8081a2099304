// Texts of the view "Speed".

import { duration, gigabytes } from "../strings.js";

const milliseconds = (/** @type {number} */ seconds) => {
  const ms = 1e3 * seconds;
  return ms < 99.95 ? ms.toFixed(ms < 9.995 ? 2 : 1) : ms.toFixed(0);
};
const percent = (/** @type {number | null} */ share) =>
  share === null ? "–" : `${(100 * share).toFixed(1)} %`;
const rate = (/** @type {number | null} */ value) =>
  value === null ? "–" : value.toFixed(value < 99.95 ? 1 : 0);

export const text = {
  facts: {
    adapter: "Runs on",
    kernels: "Kernels",
    held: "Graphics memory now",
    peak: "Graphics memory, peak",
    wasm: "Engine memory",
  },
  noModel: () => "No model is open.",
  cpu: () => "the CPU",
  /** @type {(tuned: boolean, text: string, id: string) => string} */
  kernels: (tuned, text, id) => `${tuned ? "measured" : "fixed"}: ${text} (${id})`,
  memory: (/** @type {number} */ bytes, /** @type {number} */ buffers) =>
    `${gigabytes(bytes)}, ${buffers} buffers`,
  bytes: gigabytes,
  reopening: () => "The model reloads with these kernels.",
  chosen: (/** @type {boolean} */ tuned) =>
    tuned
      ? "From now on models use the kernels that were the fastest on this device."
      : "From now on models use the fixed kernels.",
  forgotten: () => "The choice was forgotten, and this adapter was measured again.",
  measuring: () => "Measuring. On a slow adapter this takes a while.",
  done: (/** @type {number} */ seconds) => `An evaluation takes ${spoken(seconds)}.`,
  cancelled: () => "Cancelled. Nothing was measured.",
  saved: (/** @type {string} */ name) => `Saved as ${name}.`,
  figures: {
    seconds: "An evaluation",
    gflops: "Peak of arithmetic",
    gbps: "Peak of memory",
  },
  spoken: (/** @type {number} */ seconds) => spoken(seconds),
  gflops: (/** @type {number} */ value) => `${rate(value)} GFLOP/s`,
  gbps: (/** @type {number} */ value) => `${rate(value)} GB/s`,
  /** @type {(model: string, size: [number, number], id: string, date: string) => string} */
  caption: (model, [width, height], id, date) =>
    `One evaluation of ${model} for ${width} × ${height}, kernels ${id}, ` +
    new Date(date).toLocaleString(),
  clock: (/** @type {boolean} */ device) =>
    (device
      ? "Each kernel by the adapter’s own clock, the fastest of three runs. Browsers make that " +
        "clock coarse: what is too short for it is shown as –."
      : "This browser shows no clock of the adapter, so each kernel is run and waited for alone, " +
        "the fastest of three times. That waiting counts too: the sum is more than an " +
        "evaluation.") +
    " The peaks are those of multiply-adds and of a copy, measured first; beyond the peak of " +
    "memory is what a cache still had.",
  head: [
    "Kernel",
    "Dispatches",
    "ms",
    "Share",
    "GFLOP/s",
    "Arithmetic, of peak",
    "Memory, of peak",
  ],
  all: () => "All kernels",
  /**
   * The cells after the first.
   * @param {import("../speed.js").Row} row
   */
  cells: ({ dispatches, seconds, share, gflops, of_peak: arithmetic, of_copy: memory }) => [
    String(dispatches),
    milliseconds(seconds),
    percent(share),
    rate(gflops),
    percent(arithmetic),
    percent(memory),
  ],
};

/** @param {number} seconds */
function spoken(seconds) {
  return seconds < 0.9995 ? `${milliseconds(seconds)} ms` : duration(seconds);
}
