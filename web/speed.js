// The numbers of a measured evaluation: rows of the table in the view "Speed", and the file.

/** @typedef {import("./engine/protocol.js").Profile} Profile */
/** @typedef {import("./engine/protocol.js").Held} Held */
/** @typedef {import("./engine/protocol.js").SpeedReport} SpeedReport */

/**
 * What was measured, when, and what ran.
 * @typedef {object} Measured
 * @property {SpeedReport} report with one evaluation
 * @property {Profile} profile that evaluation
 * @property {string} date ISO 8601
 * @property {string} model its address
 * @property {import("./engine/protocol.js").Options} how it was opened
 * @property {import("./engine/protocol.js").Description} description
 * @property {Held} held
 * @property {number | undefined} peak the most bytes of graphics memory so far
 * @property {Made[]} pictures that this model has made since it was opened
 *
 * How long an image took.
 * @typedef {object} Made
 * @property {[width: number, height: number]} size in pixels
 * @property {number} steps
 * @property {number} seconds
 *
 * A row of the table: all dispatches of a kernel. A number is null if the clock was too coarse.
 * @typedef {object} Row
 * @property {string} kernel
 * @property {number} dispatches
 * @property {number} seconds
 * @property {number | null} share of all kernels' seconds, 0 to 1
 * @property {number | null} gflops 10⁹ floating-point operations a second
 * @property {number | null} gbps 10⁹ bytes a second
 * @property {number | null} of_peak share of the measured peak of floating-point operations, 0 to 1
 * @property {number | null} of_copy share of the measured bandwidth of a copy, 0 to 1
 */

/**
 * A row for each kernel, and one for all of them.
 * @param {Profile} profile
 * @returns {{ rows: Row[], total: Row }}
 */
export function figures({ kernels, peaks }) {
  const sum = (/** @type {"dispatches" | "seconds" | "gflop" | "mb"} */ name) =>
    kernels.reduce((all, kernel) => all + kernel[name], 0);
  const all = sum("seconds");
  const row = (/** @type {Omit<Profile["kernels"][0], "of_peak" | "of_copy">} */ time) => {
    const { kernel, dispatches, seconds } = time;
    const gflops = time.gflop / seconds;
    const gbps = time.mb / 1e3 / seconds;
    return {
      kernel,
      dispatches,
      seconds,
      share: finite(seconds / all),
      gflops: finite(gflops),
      gbps: finite(gbps),
      of_peak: finite(gflops / peaks.gflops),
      of_copy: finite(gbps / peaks.gbps),
    };
  };
  const whole = { dispatches: sum("dispatches"), seconds: all, gflop: sum("gflop"), mb: sum("mb") };
  return { rows: kernels.map(row), total: row({ kernel: "", ...whole }) };
}

/** @param {number} value */
const finite = (value) => (Number.isFinite(value) ? value : null);

/** Fields of an image in `darkroom bench --json` that the page does not measure. */
const NOT_MEASURED = {
  before_seconds: null,
  steps_seconds: null,
  decoding_seconds: null,
  bytes_peak: null,
};

/**
 * The text of the file that the user can save: the object of `darkroom bench --json`, and what only
 * a page can say.
 * @param {Measured} measured
 */
export function toJson({ report, date, model, how, description, held, peak, pictures }) {
  const file = {
    ...report,
    adapter: description.adapter || report.adapter,
    browser: navigator.userAgent,
    model,
    pictures: pictures.map((made) => ({ ...made, ...NOT_MEASURED })),
    date,
    provenance: description.model,
    parameters: description.parameters,
    choice: { kernels: how.kernels ?? "fixed", id: description.tuning?.[2] ?? null },
    memory: { ...held, gpu_bytes_peak: peak ?? null },
  };
  return JSON.stringify(file, null, 2);
}
