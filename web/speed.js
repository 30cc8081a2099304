// The numbers of a measured evaluation: rows of the table in the view "Speed", and the file.

/** @typedef {import("./engine/protocol.js").Profile} Profile */
/** @typedef {import("./engine/protocol.js").Held} Held */

/**
 * What was measured, when, and what ran.
 * @typedef {object} Measured
 * @property {Profile} profile
 * @property {string} date ISO 8601
 * @property {string} model its address
 * @property {import("./engine/protocol.js").Options} how it was opened
 * @property {import("./engine/protocol.js").Description} description
 * @property {Held} held
 * @property {number | undefined} peak the most bytes of graphics memory so far
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

/**
 * The text of the file that the user can save.
 * @param {Measured} measured
 */
export function toJson({ profile, date, model, how, description, held, peak = 0 }) {
  const { rows, total } = figures(profile);
  const { kernel: _, share: __, ...together } = total;
  const id = description.tuning?.[2] ?? null;
  const none = { title: null, repository: null, revision: null, sha256: null };
  const provenance = description.model ?? none;
  const file = {
    darkroom: profile.version,
    date,
    browser: navigator.userAgent,
    adapter: description.adapter,
    model: { path: model, parameters: description.parameters, ...provenance },
    precision: how.precision ?? "f32",
    weights: how.weights ?? null,
    choice: { kernels: how.kernels ?? "fixed", text: profile.tuning, id },
    size: profile.size,
    seconds: profile.seconds,
    peaks: profile.peaks,
    by_device_clock: profile.by_device_clock,
    kernels: rows,
    together,
    memory: { ...held, gpu_bytes_peak: peak },
  };
  return JSON.stringify(file, null, 2);
}
