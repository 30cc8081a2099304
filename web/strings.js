// The page's own texts, in one place. Texts about models, requests and graphics devices come from
// the engine.

/** The labels of samplers; a sampler that is not here is shown by its name. */
export const SAMPLERS = new Map([
  ["ddim", "DDIM"],
  ["pndm", "PNDM (PLMS)"],
  ["lms", "LMS"],
  ["euler", "Euler"],
  ["euler_ancestral", "Euler ancestral"],
  ["heun", "Heun"],
  ["dpmpp_2m", "DPM++ 2M"],
  ["dpmpp_2m_sde", "DPM++ 2M SDE"],
  ["dpmpp_2s_ancestral", "DPM++ 2S ancestral"],
  ["dpmpp_sde", "DPM++ SDE"],
  ["dpmpp_3m_sde", "DPM++ 3M SDE"],
  ["dpm_2", "DPM2"],
  ["dpm_2_ancestral", "DPM2 ancestral"],
  ["unipc", "UniPC"],
  ["deis", "DEIS"],
  ["ipndm", "iPNDM"],
  ["ddpm", "DDPM"],
  ["lcm", "LCM"],
  ["tcd", "TCD"],
]);

/** The results of the model's safety checker. */
export const SAFETY = {
  passed: "safety checked",
  flagged: "hidden by the safety checker",
  off: "safety not checked: switched off",
  missing: "safety not checked: this model has no checker",
};

/** @type {Record<string, string>} */
const PARTS = {
  text_encoder: "text encoder",
  unet: "UNet",
  vae: "decoder",
  vae_encoder: "encoder",
  safety_checker: "safety checker",
};

/** Parts of a model that a file can stand in for, by the engine's options. */
export const OTHER_PARTS = new Map([
  ["unet", "UNet"],
  ["vae", "VAE"],
  ["text_encoder", "text encoder"],
  ["taesd", "TAESD"],
]);

export const say = {
  /**
   * Model, precision and device, in one line.
   * @param {string} model
   * @param {import("./engine/protocol.js").Options} how
   * @param {import("./engine/protocol.js").Description} description
   */
  engine: (model, { precision = "f32", ...how }, { device, adapter }) => {
    const where = device === "cpu" ? ["f32", "on the CPU"] : [precision, adapter];
    const parts = [...OTHER_PARTS].filter(([option]) => /** @type {any} */ (how)[option]);
    const others = parts.map(([, name]) => `other ${name}`);
    return [model, ...others, ...where].join(" · ");
  },
  withoutParts: (/** @type {string} */ reason) =>
    `${reason} The model is used with its own parts instead.`,
  verifying: () => "Looking at the model",
  verified: (/** @type {number} */ failed, /** @type {number} */ all) =>
    failed ? `${failed} of ${all} comparisons failed.` : `All ${all} comparisons passed.`,
  verdict: (/** @type {string} */ verdict) =>
    ({ pass: "pass", precision: "pass for this precision" })[verdict] ?? "fail",
  compared: (/** @type {string} */ expected, /** @type {string} */ got) =>
    `Expected ${expected}; got ${got}`,
  cancel: () => "Cancel",
  close: () => "Close",
  /** An adapter that the browser does not name. @param {string} kind as the engine found it */
  unnamedAdapter: (kind) =>
    ({ hardware: "graphics card", software: "software adapter" })[kind] ?? "graphics adapter",
  foreignModel: (/** @type {string} */ model) =>
    `The model "${model}" is not a folder of this site. Give a path such as models/demo in the ` +
    `address.`,
  crashed: (/** @type {string} */ reason) =>
    `The engine stopped unexpectedly${reason ? ` (${reason})` : ""}.`,
  again: () => "Press Generate to start it again.",
  notStarted: () =>
    "The engine could not be started: a file of this site is missing, or a security policy stops " +
    "its worker. Check the connection; if that does not help, tell whoever runs this site.",
  notFetched: (/** @type {string} */ reason) =>
    `The engine could not be fetched (${reason}). Check the connection; if that does not help, ` +
    `this copy of the site is incomplete.`,
  closed: () => "The engine was closed.",
  cancelled: (/** @type {number} */ step) =>
    step ? `Cancelled after step ${step}.` : "Cancelled.",
  notLoaded: () => "Cancelled. Press Generate to load the model.",
  opening: () => "Starting the engine",
  loading: (/** @type {string} */ part, /** @type {number} */ done, /** @type {number} */ total) =>
    `Loading the ${PARTS[part] ?? part}: ${megabytes(done)}` +
    `${total ? ` of ${megabytes(total)}` : ""} MB`,
  tuning: (/** @type {number} */ done, /** @type {number} */ total) =>
    `Measuring kernels: ${done} of ${total}`,
  compiling: (/** @type {number} */ done, /** @type {number} */ total) =>
    `Compiling kernels: ${done} of ${total}`,
  ready: () => "Ready.",
  preparing: (/** @type {number} */ count) =>
    count > 1 ? `${count} images: reading the prompt` : "Reading the prompt",
  waiting: () => "Another tab is making an image. This one is next in line.",
  step: (/** @type {number} */ step, /** @type {number} */ steps) => `Step ${step} of ${steps}`,
  left: (/** @type {number} */ seconds) => `about ${duration(seconds)} left`,
  enlarging: (/** @type {number} */ done, /** @type {number} */ total) =>
    `Enlarging: part ${done} of ${total}`,
  decoding: () => "Finishing the image",
  cancelling: () => "Cancelling",
  pausing: () => "Pausing after this step",
  paused: (/** @type {number} */ step, /** @type {number} */ steps) =>
    step ? `Paused after step ${step} of ${steps}.` : "Paused before the first step.",
  goOn: () => "Resume",
  startImage: () => "The start image",
  startImageSize: (/** @type {number} */ width, /** @type {number} */ height) =>
    `Start image, ${width} × ${height}`,
  startImageMissing: () =>
    "These settings used a start image, which is not inside the file. Choose that image again, " +
    "or press Reset.",
  startImageNotKept: (/** @type {string} */ reason) =>
    `The start image is kept until this page is closed only: the browser did not store it ` +
    `(${reason}).`,
  startImageGone: () => "it is no longer kept here",
  notAPicture: (/** @type {string} */ name, /** @type {string} */ reason) =>
    `${name} cannot be the start image (${reason}).`,
  becameStartImage: (/** @type {string} */ name) =>
    `${name} has no saved settings. It is the start image now.`,
  done: (/** @type {number} */ seconds, /** @type {number} */ count) =>
    count > 1
      ? `${count} images are ready after ${duration(seconds)}.`
      : `The image is ready after ${duration(seconds)}.`,
  smaller: () =>
    "The graphics card had too little memory, so the weights are now kept as f16: half the size, " +
    "nearly the same image.",
  notKept: (/** @type {string} */ reason) =>
    `The gallery could not keep this image (${reason || "the browser keeps nothing here"}). ` +
    `Save it with Download PNG.`,
  bug: (/** @type {string} */ reason) =>
    `Something in the page went wrong (${reason}). Your form and gallery are kept; reload the ` +
    `page if it does not respond.`,
  wrongCount: (/** @type {number} */ most) =>
    `The number of images must be a whole number from 1 to ${most}.`,

  tokens: (/** @type {number} */ used, /** @type {number} */ room, /** @type {number} */ chunks) =>
    `${used} of ${room} tokens${chunks > 1 ? `, in ${chunks} chunks` : ""}`,
  /**
   * The end of a prompt that the model does not see; of a long one only the beginning.
   * @param {string} end
   */
  cut: (end) => {
    const shown = beginning(end, 80);
    const more = end.slice(shown.length).match(/\S+/g)?.length ?? 0;
    const words = more === 1 ? "word" : "words";
    const rest = more ? ` … and ${more.toLocaleString("en")} more ${words}` : "";
    return `Too long. The model does not see: “${shown}”${rest}`;
  },
  surprise: () => "Surprise me",
  seedKept: () => "The seed is locked: press for a random one each time",
  seedFree: () => "A random seed each time: press to lock it",
  size: (/** @type {string} */ shape, /** @type {number} */ width, /** @type {number} */ height) =>
    `${shape && `${shape} · `}${width} × ${height}`,
  large: (/** @type {number} */ width, /** @type {number} */ height, /** @type {number} */ times) =>
    `This model was made for ${width} × ${height}. An image of this size takes at least ` +
    `${times} times as long, and often repeats itself.`,
  onlySize: (/** @type {number} */ width, /** @type {number} */ height) =>
    `The demo model draws ${width} × ${height} only: at other sizes things come out doubled.`,
  usualSize: (/** @type {number} */ width, /** @type {number} */ height) =>
    `Use ${width} × ${height}`,
  noStyle: () => "none",
  style: (/** @type {string} */ prompt, /** @type {string} */ negative) =>
    [prompt, negative && `negative: ${negative}`].filter(Boolean).join(" · "),
  extra: (/** @type {string} */ name, /** @type {string} */ value) => `${name}: ${value} ✕`,
  dropExtra: (/** @type {string} */ name) => `Leave out ${name}`,
  filled: (/** @type {string} */ program, /** @type {boolean} */ text) =>
    `Settings loaded from the ${text ? "text" : "image"}, as written by ${program}.`,
  copied: () => "The link is copied.",
  copiedTruncated: () => "The link is copied, without the prompt: that is too long for a link.",
  copiedSettings: () =>
    "The link is copied. It has the settings alone: start image, control pictures and enlarging " +
    "are on your device only.",
  imageCopied: () => "The image is copied.",
  imageNotCopied: (/** @type {Error} */ { message }) =>
    `The browser did not copy the image (${message}). Download it instead.`,
  copyYourself: () => "The link:",
  queued: (/** @type {number} */ count) =>
    count > 1 ? `${count} jobs are added to the queue.` : "Added to the queue.",

  noPrompt: () => "(no prompt)",
  /** @param {{ prompt?: string, negative_prompt?: string }} of what a prompt was expanded from */
  template: (of) => `from ${of.prompt ?? of.negative_prompt}`,
  select: (/** @type {string} */ prompt) => `Select: ${prompt}`,
  gallery: (/** @type {number} */ count, /** @type {number} */ bytes) =>
    `${count === 1 ? "1 image" : `${count} images`}, ${fileSize(bytes)}`,
  galleryFound: (
    /** @type {number} */ found,
    /** @type {number} */ count,
    /** @type {number} */ bytes,
  ) => `${found} of ${count} images, ${fileSize(bytes)}`,
  nothingFound: () => "No matches.",
  noImages: () => "Images that you make are kept here, on this device only.",
  full: (/** @type {number} */ bytes, /** @type {number} */ bound, /** @type {number} */ count) =>
    `The gallery holds ${fileSize(bytes)}, more than its ${fileSize(bound)}. Delete the ` +
    `${count === 1 ? "oldest image" : `oldest ${count} images`}? Favourites stay.`,
  exportAll: () => "Export zip",
  exportSome: (/** @type {number} */ count) => `Export zip (${count})`,
  exportShown: (/** @type {number} */ count) => `Export ${count} shown`,
  deleteSome: (/** @type {number} */ count) => (count ? `Delete (${count})` : "Delete"),
  compareSome: (/** @type {number} */ count) => `Compare images${count ? ` (${count})` : ""}`,
  selected: (/** @type {number} */ shown, /** @type {number} */ hidden) =>
    !shown && !hidden
      ? ""
      : `${shown} selected${hidden ? `; ${hidden} more, not shown, stay as they are` : ""}`,
  deleted: (/** @type {number} */ count) =>
    count === 1 ? "1 image is deleted." : `${count} images are deleted.`,
  jobsRemoved: (/** @type {number} */ count) =>
    count === 1 ? "1 job is removed." : `${count} jobs are removed.`,
  /** The line of Undo. @param {string} text @param {number} more deletions before the latest */
  undoText: (text, more) => (more ? `${text} ${more} more can be undone after it.` : text),
  styleDeleted: (/** @type {string} */ name) => `The style “${name}” is deleted.`,
  styleReplaced: (/** @type {string} */ name) => `The style “${name}” is replaced.`,
  starSome: (/** @type {number} */ count, /** @type {boolean} */ all) =>
    `${all ? "Remove from" : "Add to"} favourites${count ? ` (${count})` : ""}`,
  fromStartImage: (/** @type {number} */ strength, /** @type {boolean} */ masked = false) =>
    `from an image, strength ${strength}${masked ? ", inside a mask" : ""}`,
  likeness: (/** @type {boolean} */ same, /** @type {number} */ psnr) =>
    !same
      ? "The images differ in size."
      : psnr === Infinity
        ? "The images are equal, pixel by pixel."
        : `PSNR ${psnr.toFixed(1)} dB`,

  start: () => "Start",
  pause: () => "Pause",
  noJobs: () => "The queue is empty.",
  moreJobs: (/** @type {number} */ count) => `${count} more are not shown.`,
  /** @param {{ state: string }[]} jobs */
  queue: (jobs) =>
    ["waiting", "running", "done", "failed"]
      .map((state) => [jobs.filter((job) => job.state === state).length, state])
      .filter(([count]) => count)
      .map((parts) => parts.join(" "))
      .join(", "),
  jobState: (/** @type {string} */ state) => state,
  queueStops: () => "The queue pauses after the current job.",
  moveJob: (/** @type {string} */ prompt) => `Move (Alt and arrow keys, or drag): ${prompt}`,
  moveJobBy: (/** @type {"up" | "down"} */ way, /** @type {string} */ prompt) =>
    `Move ${way}: ${prompt}`,
  dropJob: (/** @type {string} */ prompt) => `Remove: ${prompt}`,
  queueEnded: (/** @type {number} */ count) =>
    count === 1 ? "The queue has ended: 1 job." : `The queue has ended: ${count} jobs.`,

  unknownFile: (/** @type {string} */ name) =>
    `${name} is not a kind of file for this page. Drop an image, or a list of prompts as CSV, ` +
    `JSONL or text.`,
  wrongFile: (/** @type {string} */ name, /** @type {string} */ reason) =>
    `${name} cannot be read (${reason}). Nothing was added to the queue.`,
  emptyFile: (/** @type {string} */ name) => `${name} holds no prompt.`,

  storage: (/** @type {number} */ used, /** @type {number} */ quota) =>
    quota ? fileSize(used) : "unknown",
  noServiceWorker: () =>
    "Not active yet: this needs the page’s service worker. Reload the page once. It is not " +
    "available in private windows or over http.",
  installed: () => "Darkroom is installed.",
  installYourself: () =>
    "This browser keeps it in a menu: look for “Install app” or “Add to Dock” in its own menu, " +
    "or for “Add to Home Screen” in the menu for sharing.",
  measuring: () => "Timing the graphics adapter",
  measured: () => "This device is measured.",
  noFaults: () => "No recent errors.",
  faultsCopied: () => "Copied.",
  bound: (/** @type {number} */ bytes) => (bytes ? gigabytes(bytes) : "no limit"),
  siteStorage: (/** @type {number} */ used, /** @type {number} */ quota) =>
    quota ? `This site keeps ${gigabytes(used)} of at most ${gigabytes(quota)}.` : "",
  sizeHint: (
    /** @type {number} */ factor,
    /** @type {number} */ width,
    /** @type {number} */ height,
  ) => `Pixels, in multiples of ${factor}; empty is ${width} × ${height}.`,
};

/**
 * Bytes as a number of MB.
 * @param {number} bytes
 */
export function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

/**
 * Bytes in kB or MB.
 * @param {number} bytes
 */
export function fileSize(bytes) {
  return bytes < 1e5 ? `${Math.ceil(bytes / 1000)} kB` : `${megabytes(bytes)} MB`;
}

/**
 * The beginning of a text, cut between words if possible.
 * @param {string} text
 * @param {number} most characters
 */
export function beginning(text, most) {
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  const space = cut.lastIndexOf(" ");
  const end = space > most / 2 ? cut.slice(0, space) : cut;
  // Without the first half of a surrogate pair that was cut.
  return end.replace(/[\ud800-\udbff]$/, "");
}

/**
 * Seconds as text: seconds, minutes or hours.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return whole < 100 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Bytes in kB, MB or GB. */
export const gigabytes = (/** @type {number} */ bytes) =>
  bytes < 1e9 ? fileSize(bytes) : `${(bytes / 1e9).toFixed(2)} GB`;
