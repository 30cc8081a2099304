// The state of the page: what it does, with which model, what is shown, and the settings that this
// browser keeps.

import { remember, remembered } from "../storage/settings.js";
import { createState } from "./state.js";

/** @typedef {import("../engine/protocol.js").Description} Description */
/** @typedef {"loading" | "ready" | "generating" | "error"} Phase */
/** @typedef {"" | "open" | "generate" | "verify" | "profile" | "measure" | "compare"} Job */

/** A model and how to open it. */
/** @typedef {{ model: string, how: import("../engine/protocol.js").Options }} Choice */

/**
 * A model that was opened: how, what it is and can do, what computes it, in words, and what of that
 * is written down with its pictures.
 * @typedef {Choice & { description: Description, engine: string, madeBy: string }} Opened
 */

/**
 * @typedef {object} PageState
 * @property {Phase} phase
 * @property {Job} job what runs, or waits for another tab
 * @property {boolean} pausing whether the picture that is made rests, or is about to
 * @property {Choice} choice
 * @property {Opened | null} opened the latest; null from when another begins to open
 * @property {string} view which one is shown
 * @property {boolean} queueRuns whether jobs of the queue are worked through
 * @property {number} previewEvery steps between two exact previews; 0 is never
 * @property {boolean} offlineLock whether requests to other sites are refused
 * @property {boolean} notify whether the end of the queue is notified
 * @property {number} galleryBound bytes that the gallery may hold before it asks; 0 is no bound
 */

/** @typedef {import("./state.js").State<PageState>} Page */

/** Bytes that the gallery may hold where nothing else was chosen. */
const BOUND = 1e9;

const flag = (/** @type {string} */ name) => remembered(name) === "yes";
const kept = (/** @type {boolean} */ on) => (on ? "yes" : null);

/** The state of a page that begins, with the settings that were kept; they are kept from now on. */
export function createPage() {
  /** @type {Page} */
  const page = createState({
    phase: "loading",
    job: "",
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
  page.subscribe(["offlineLock"], (now) => remember("offline-lock", kept(now.offlineLock)));
  page.subscribe(["notify"], (now) => remember("notify", kept(now.notify)));
  page.subscribe(["galleryBound"], (now) => remember("gallery-bound", String(now.galleryBound)));
  page.subscribe(["queueRuns"], (now) => remember("queue-runs", kept(now.queueRuns)));
  return page;
}

/** Whether nothing runs and something could. @param {Page} page */
export const isIdle = (page) => ["ready", "error"].includes(page.get().phase);
