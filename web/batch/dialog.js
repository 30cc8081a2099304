// The dialog "Many images": wildcards, grids, prompt matrices, seeds, and what has become of grids.
// All of them put jobs into the queue. Loaded when it is first opened, or when a prompt is
// expanded.

import { addStyle } from "../late_style.js";
import { byId, chip, element } from "../dom.js";
import { expands } from "../request/expands.js";
import { addJobs, listJobs, putJobs, takeJobs } from "../storage/jobs.js";
import { remember, remembered } from "../storage/settings.js";
import { batchText as text } from "../strings/batch.js";
import { offerUndo } from "../views/undo.js";
import { expandRow } from "./expand.js";
import { withChoice } from "./choices.js";
import { addGrid } from "./grids.js";
import { storedBook } from "./jobs.js";
import { listModels } from "./models.js";
import { check } from "./parts.js";
import { createGrid } from "./tab_grid.js";
import { createMatrix } from "./tab_matrix.js";
import { createResults } from "./tab_results.js";
import { createSeeds } from "./tab_seeds.js";
import { createWildcards } from "./tab_wildcards.js";
import { createTabs } from "./tabs.js";

/** @typedef {import("./expand.js").Expanded} Expanded */
/** @typedef {import("../files/table.js").Row} Row */

/**
 * What the tabs work with.
 * @typedef {object} Work
 * @property {Pick<import("../views/form.js").Form, "fields" | "showFault">} form
 * @property {() => string[]} samplers of the open model
 * @property {() => Promise<import("./choices.js").Models>} models that a grid can go through
 * @property {(made: Expanded[]) => Promise<void>} enqueue puts images into the queue, and starts
 * it if that is wanted
 * @property {(title: string, grid: import("./cells.js").Grid) => Promise<void>} addGrid the same
 * with the cells of a grid
 * @property {() => void} resume starts the queue, if that is wanted
 * @property {() => Promise<unknown>} run starts the queue
 * @property {() => boolean} runs whether the queue runs
 * @property {(id: number) => void} view shows an image of the gallery
 *
 * @typedef {object} Handlers
 * @property {(rows: Row[], whole: boolean, click: string) => Promise<number>} add puts rows into
 * the queue, expanded, as jobs of one press of Generate; resolves to their number
 * @property {(click?: string) => Promise<boolean>} run starts the queue, or the jobs of one press
 * of Generate alone; resolves to whether one was cancelled
 * @property {Work["runs"]} runs
 * @property {() => import("../state/page.js").Choice} choice the page's model
 * @property {(id: number) => void} view shows an image of the gallery
 * @property {Pick<ReturnType<typeof import("../tab/places.js").createPlaces>, "open" | "close">}
 * places the browser's history
 * @property {(sentence: string) => void} told shows a sentence below the form
 * @property {(error: unknown) => void} tell shows a fault there
 */

/** The dialog's name in the browser's history. */
const MANY = "many";

/** The names of what is remembered: whether the queue starts at once, and the tab. */
const [AT_ONCE, TAB] = ["many-at-once", "many-tab"];

/**
 * @param {Work["form"]} form
 * @param {Handlers} handlers
 */
export async function createMany(form, handlers) {
  const { run, told, places, choice } = handlers;
  const atOnce = createAtOnce();
  const dialog = element("dialog", { id: "many-dialog" });
  dialog.setAttribute("aria-labelledby", "many-title");

  const resume = () => {
    if (atOnce.input.checked) void run();
  };

  /** @type {Work} */
  const work = {
    form,
    samplers: () => [...byId("sampler", HTMLSelectElement).options].map(({ value }) => value),
    models: () => listModels(choice().model),
    async enqueue(made) {
      const all = await expandedOf(made);
      await addJobs(
        all.map(({ fields }) => fields),
        all.map(({ template }) => template && { template }),
      );
      told(text.queued(all.length));
      resume();
      dialog.close();
    },
    async addGrid(title, { scales, cells }) {
      const all = await expandedOf(cells.map((fields) => ({ fields })));
      const whole = all.map((cell) => withChoice(cell, choice()));
      const { id } = await addGrid({ title, scales, cells: whole });
      told(text.queued(all.length));
      resume();
      tabs.show("results");
      await results.choose(id);
    },
    ...{ resume, run: () => run(), runs: handlers.runs },
    view(id) {
      dialog.close();
      handlers.view(id);
    },
  };
  const results = createResults(work);
  const parts = {
    wildcards: createWildcards(work),
    grid: createGrid(work),
    matrix: createMatrix(work),
    seeds: createSeeds(work),
    results,
  };
  const tabs = createTabs(
    text.tabs(),
    Object.entries(parts).map(([name, { panel, enter }]) => ({
      ...{ name, label: text.tab[/** @type {keyof typeof parts} */ (name)], panel },
      enter() {
        remember(TAB, name);
        enter();
      },
    })),
  );
  const title = element("h2", { id: "many-title" }, text.title());
  const close = chip(text.close(), () => dialog.close());
  const end = element("div", { className: "actions" }, atOnce.label);
  end.append(element("span", { className: "gap" }), close);
  dialog.append(title, tabs.list, ...Object.values(parts).map(({ panel }) => panel), end);
  document.body.append(dialog);
  keepUndo(dialog);
  watchLeaving(dialog, parts.wildcards.leaveEditor, places);
  await addStyle("batch");

  return {
    open() {
      if (dialog.open) return;
      dialog.showModal();
      places.open(MANY);
      const last = remembered(TAB) ?? "";
      tabs.show(last in parts ? last : "wildcards");
    },

    /** Makes images of prompts that are to be expanded. @param {Row} fields */
    generate: (fields) => generate(fields, form, handlers),
  };
}

/**
 * Back closes the dialog and nothing else; a list that is being edited is there again when it is
 * opened. Escape closes the editor of lists first.
 * @param {HTMLDialogElement} dialog
 * @param {() => boolean} leaveEditor whether there was an editor to leave
 * @param {Handlers["places"]} places
 */
function watchLeaving(dialog, leaveEditor, places) {
  addEventListener("popstate", () => history.state?.open === MANY || dialog.close());
  // The event comes later: by then the dialog may be open again.
  dialog.addEventListener("close", () => dialog.open || places.close(MANY));
  // By the key itself: the browser closes a dialog at the second Escape, whatever hears `cancel`.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && leaveEditor()) event.preventDefault();
  });
  dialog.addEventListener("cancel", (event) => {
    if (leaveEditor()) event.preventDefault();
  });
}

/**
 * Makes images of prompts that are to be expanded: these alone, whatever else waits in the queue.
 * What a Cancel leaves of them is taken out of the queue, as it is without the queue.
 * @param {Row} fields
 * @param {Work["form"]} form
 * @param {Handlers} handlers
 */
async function generate(fields, form, { add, run, told, tell }) {
  form.showFault(null);
  try {
    const failed = await failedJobs();
    const click = crypto.getRandomValues(new Uint32Array(4)).join("-");
    told(text.queued(await add([fields], false, click)));
    if (await run(click)) await drop(click, tell);
    // The queue tells its faults in its own list: here the user looks at the form.
    const [first] = (await failedJobs()).filter(({ id }) => !failed.some((one) => one.id === id));
    if (first) tell(new Error(first.reason));
  } catch (error) {
    tell(error);
  }
}

/**
 * Takes what waits of a press of Generate out of the queue; Undo puts it back.
 * @param {string} click
 * @param {(error: unknown) => void} tell
 */
async function drop(click, tell) {
  const taken = await takeJobs((job) => job.click === click && job.state === "waiting");
  if (taken.length) offerUndo(text.dropped(taken.length), () => void putJobs(taken).catch(tell));
}

const failedJobs = async () => (await listJobs()).filter(({ state }) => state === "failed");

/** The box that says whether the queue starts at once. */
function createAtOnce() {
  const made = check("many-at-once", text.atOnce(), remembered(AT_ONCE) !== "no");
  made.input.addEventListener("change", () => {
    remember(AT_ONCE, made.input.checked ? null : "no");
  });
  return made;
}

/** One image each: what is still to be expanded is. @param {Expanded[]} made */
async function expandedOf(made) {
  const book = await storedBook();
  return made.map((one) => {
    const open = !one.template && expands(one.fields);
    return open ? (expandRow(one.fields, book)[0] ?? one) : one;
  });
}

/** The line with Undo goes back to the page when the dialog closes. @param {HTMLElement} dialog */
function keepUndo(dialog) {
  dialog.addEventListener("close", () => {
    const box = dialog.querySelector("#undo");
    if (box) document.body.append(box);
  });
}
