// Every sentence that the page itself says, in one place. Sentences about models, requests and
// graphics devices come from the engine.

/** Prompts to start from; the built-in model knows such pictures. */
export const EXAMPLES = [
  "a red cat on a yellow background",
  "a blue fish on a white background",
  "a green tree on a black background",
  "an orange star on a purple background",
];

/** How samplers are written; one that is not here shows its plain name. */
export const SAMPLERS = new Map([
  ["ddim", "DDIM"],
  ["pndm", "PNDM (PLMS)"],
  ["lms", "LMS"],
  ["euler", "Euler"],
  ["euler_ancestral", "Euler ancestral"],
  ["heun", "Heun"],
  ["dpmpp_2m", "DPM++ 2M"],
  ["dpmpp_2m_sde", "DPM++ 2M SDE"],
  ["unipc", "UniPC"],
  ["lcm", "LCM"],
]);

/** @type {Record<string, string>} */
const PARTS = { text_encoder: "text encoder", unet: "picture model", vae: "decoder" };

export const say = {
  cpu: () => "on the CPU",
  verifying: () => "Looking at the model",
  verified: (/** @type {number} */ failed, /** @type {number} */ all) =>
    failed ? `${failed} of ${all} comparisons failed.` : `All ${all} comparisons passed.`,
  verdict: (/** @type {string} */ verdict) =>
    ({ pass: "pass", precision: "pass for this precision" })[verdict] ?? "fail",
  compared: (/** @type {string} */ expected, /** @type {string} */ got) =>
    `Expected ${expected}; got ${got}`,
  cancel: () => "Cancel",
  close: () => "Close",
  someAdapter: () => "graphics adapter",
  foreignModel: (/** @type {string} */ model) =>
    `The model "${model}" is not a folder of this site. Give a path such as models/demo in the ` +
      `address.`,
  crashed: (/** @type {string} */ reason) =>
    `The engine stopped unexpectedly${reason ? ` (${reason})` : ""}. Press Generate to start ` +
      `it again.`,
  notFetched: (/** @type {string} */ reason) =>
    `The engine could not be fetched (${reason}). Check the connection and press Generate; if ` +
      `that does not help, this copy of the site is incomplete.`,
  closed: () => "The engine was closed.",
  cancelled: (/** @type {number} */ step) =>
    step ? `Cancelled after step ${step}.` : "Cancelled.",
  notLoaded: () => "Cancelled. Press Generate to load the model.",
  opening: () => "Starting the engine",
  loading: (/** @type {string} */ part, /** @type {number} */ done, /** @type {number} */ total) =>
    `Loading the ${PARTS[part] ?? part}: ${megabytes(done)} of ${megabytes(total)} MB`,
  ready: () => "Ready.",
  preparing: () => "Reading the prompt",
  step: (/** @type {number} */ step, /** @type {number} */ steps) => `Step ${step} of ${steps}`,
  left: (/** @type {number} */ seconds) => `about ${duration(seconds)} left`,
  decoding: () => "Developing the picture",
  cancelling: () => "Cancelling after this step",
  done: (/** @type {number} */ seconds) => `The picture is ready after ${duration(seconds)}.`,
  sizeHint: (
    /** @type {number} */ factor,
    /** @type {number} */ width,
    /** @type {number} */ height,
  ) => `Pixels, in multiples of ${factor}; empty is ${width} × ${height}.`,
};

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

/**
 * Seconds as people say them.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 100 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
