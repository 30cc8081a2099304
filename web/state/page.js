// The state of the page: its task, the model, the view that is shown, and the settings that this
// browser keeps.

import { remember, remembered } from "../storage/settings.js";
import { createState } from "./state.js";

/** @typedef {import("../engine/protocol.js").Description} Description */
/** @typedef {"loading" | "ready" | "generating" | "error"} Phase */
/**
 * What the session does; "" for nothing.
 * @typedef {"" | "open" | "generate" | "verify" | "profile" | "measure" | "compare"
 *   | "enlarge"} Task
 */

/** A model and how to open it. */
/** @typedef {{ model: string, how: import("../engine/protocol.js").Options }} Choice */

/**
 * A model that is open.
 * @typedef {object} Opened
 * @property {Choice["model"]} model its address
 * @property {Choice["how"]} how with which options it was opened
 * @property {Description} description what it is and can do, as the engine reports
 * @property {string} engine the line about model, precision and device that the page shows
 * @property {string} madeBy that line as it is stored with each image
 */

/**
 * @typedef {object} PageState
 * @property {Phase} phase
 * @property {Task} task what runs, or waits for another tab
 * @property {boolean} pausing whether the run is paused, or pauses after the present step
 * @property {Choice} choice the model to use
 * @property {Opened | null} opened the model that is open; null while another one is opened
 * @property {string} view the name of the view that is shown
 * @property {boolean} queueRuns whether the queue's jobs are being worked off
 * @property {number} previewEvery steps between two exact previews; 0 is never
 * @property {boolean} offlineLock whether requests to other sites are refused
 * @property {boolean} notify whether the end of the queue is notified
 * @property {number} galleryBound bytes that the gallery may hold before it asks; 0 is no bound
 */

/** @typedef {import("./state.js").State<PageState>} Page */

/** Bytes that the gallery may hold, unless the user chose another number. */
const BOUND = 1e9;

const flag = (/** @type {string} */ name) => remembered(name) === "yes";
const flagText = (/** @type {boolean} */ on) => (on ? "yes" : null);

/** The state of a new page, with the stored settings. A setting that changes is stored again. */
export function createPage() {
  /** @type {Page} */
  const page = createState({
    phase: "loading",
    task: "",
    pausing: false,
    choice: { model: "", how: {} },
    opened: null,
    view: "",
    queueRuns: false,
    previewEvery: Number(remembered("preview-every") ?? 0),
    offlineLock: flag("offline-lock"),
    notify: flag("notify"),
    galleryBound: Number(remembered("gallery-bound") ?? BOUND),
  });
  page.subscribe(["previewEvery"], (now) => remember("preview-every", String(now.previewEvery)));
  page.subscribe(["offlineLock"], (now) => remember("offline-lock", flagText(now.offlineLock)));
  page.subscribe(["notify"], (now) => remember("notify", flagText(now.notify)));
  page.subscribe(["galleryBound"], (now) => remember("gallery-bound", String(now.galleryBound)));
  page.subscribe(["queueRuns"], (now) => remember("queue-runs", flagText(now.queueRuns)));
  return page;
}

/** Whether nothing runs, and a task can be started. @param {Page} page */
export const isIdle = (page) => ["ready", "error"].includes(page.get().phase);
