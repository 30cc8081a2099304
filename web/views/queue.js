// The view "Queue": the list of jobs, the buttons that run and clear it, and a field for prompts
// that become jobs. queue/runner.js runs the jobs.

import { beginning, say } from "../strings.js";
import { readLines } from "../files/lines.js";
import { deleteJobs, listJobs, putJobs } from "../storage/jobs.js";
import { onChange } from "../storage/database.js";
import { anyById, button, byId, chip, element, onPress, withText } from "../dom.js";
import { offerUndo } from "./undo.js";

/** The most characters of a prompt that the list shows. */
const SHOWN = 300;

/** Milliseconds after a change until the list follows: images may come quickly. */
const REST_MS = 100;

/** The most jobs that the list shows, and how many of them before the first that is not done. */
const [JOBS, BEFORE] = [200, 20];

/** So many jobs are listed also while the view is hidden. */
const FEW = 20;

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../files/table.js").Row} Row */

/**
 * @param {import("../state/page.js").Page} state
 * @param {object} handlers
 * @param {(rows: Row[]) => Promise<void>} handlers.onAdd
 * @param {() => void} handlers.onRun
 * @param {() => void} handlers.onStop
 * @param {() => Promise<boolean>} handlers.mayNotify asks for permission to show notifications
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createQueue(state, { onAdd, onRun, onStop, mayNotify, onFault }) {
  const prompts = byId("prompts", HTMLTextAreaElement);
  const notifyBox = byId("notify", HTMLInputElement);
  const list = anyById("jobs");
  /** @type {Job[]} */
  let jobs = [];
  /** Lets the user move jobs; loaded with the first two. @type {Promise<void> | null} */
  let order = null;
  /** The number of the job before or after one. @param {number} of @param {number} by */
  const beside = (of, by) => jobs[jobs.findIndex(({ id }) => id === of) + by]?.id;
  const ordering = () =>
    (order ??= import("../queue/order.js").then(
      ({ watchOrder }) => watchOrder(list, beside, onFault),
      () => void (order = null),
    ));
  /** Whether the list is older than the jobs. */
  let stale = true;
  let timer = 0;

  /** @param {Job[]} which */
  async function remove(which) {
    try {
      await deleteJobs(which.map(({ id }) => id));
      await refresh();
      offerUndo(say.jobsRemoved(which.length), () => void putJobs(which).catch(onFault));
    } catch (error) {
      onFault(error);
    }
  }

  function show() {
    const { queueRuns: running } = state.get();
    const waiting = jobs.filter((job) => job.state === "waiting").length;
    anyById("queue-count").textContent = String(waiting);
    anyById("queue-count").hidden = !waiting;
    button("queue-run").disabled = !waiting && !running;
    button("queue-run").textContent = running ? say.pause() : say.start();
    button("queue-clear").disabled = !jobs.some((job) => job.state !== "running");
    const ends = !running && jobs.some((job) => job.state === "running");
    const told = jobs.length ? say.queue(jobs) : say.noJobs();
    anyById("queue-status").textContent = ends ? `${told}. ${say.queueStops()}` : told;
    stale = true;
    showList();
  }

  /** Makes the list anew, if it has changed; a long one only where it is shown. */
  function showList() {
    if (!stale || (anyById("view-queue").hidden && jobs.length > FEW)) return;
    stale = false;
    fill(list, jobs, (job) => void remove([job]));
    if (jobs.length > 1) void ordering();
  }

  async function refresh() {
    jobs = await listJobs();
    show();
    return jobs;
  }

  onPress("queue-add", async () => {
    const rows = readLines(prompts.value);
    try {
      await onAdd(rows);
      if (rows.length) prompts.value = "";
    } catch (error) {
      onFault(error);
    }
  });
  onPress("queue-run", () => (state.get().queueRuns ? onStop() : onRun()));
  onPress("queue-clear", () => {
    const old = jobs.filter((job) => job.state === "done" || job.state === "failed");
    void remove(old.length ? old : jobs.filter((job) => job.state === "waiting"));
  });
  notifyBox.checked = state.get().notify;
  notifyBox.addEventListener("change", async () => {
    notifyBox.checked &&= await mayNotify();
    state.set({ notify: notifyBox.checked });
  });
  state.subscribe(["queueRuns"], show);
  onChange("jobs", () => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      refresh().catch(onFault);
    }, REST_MS);
  });
  return { refresh, enter: showList };
}

/**
 * Makes the list anew; the focus stays on its job.
 * @param {HTMLElement} list
 * @param {Job[]} jobs
 * @param {(job: Job) => void} onDrop the user removes a job
 */
function fill(list, jobs, onDrop) {
  const { activeElement: focus } = document;
  const row = list.contains(focus) ? focus?.closest("li") : null;
  const at = row ? [...row.querySelectorAll("button")].findIndex((one) => one === focus) : 0;
  const open = jobs.findIndex((job) => job.state !== "done");
  const from = jobs.length > JOBS ? Math.max(0, open - BEFORE) : 0;
  const shown = jobs.slice(from, from + JOBS);
  const items = shown.map((job) => item(job, () => onDrop(job)));
  const rest = jobs.length - shown.length;
  list.replaceChildren(...items, ...(rest ? [withText("li", say.moreJobs(rest))] : []));
  const again = row && items.find(({ dataset }) => dataset["job"] === row.dataset["job"]);
  again?.querySelectorAll("button")[Math.max(at, 0)]?.focus({ preventScroll: true });
}

/**
 * @param {Job} job
 * @param {() => void} onDrop the user removes the job
 */
function item({ id, fields, state, reason, origin, choice }, onDrop) {
  const prompt = beginning(fields["prompt"] || say.noPrompt(), SHOWN);
  const template = origin?.template ? ` · ${beginning(say.template(origin.template), SHOWN)}` : "";
  const model = choice ? ` · ${choice.model}` : "";
  const status = withText("span", (reason ?? say.jobState(state)) + model + template);
  status.className = "hint";
  const move = element("button", { type: "button", className: "move" }, "⠿");
  move.ariaLabel = say.moveJob(prompt);
  const steps = /** @type {const} */ (["up", "down"]).map((way) => {
    const step = element("button", { type: "button", className: `move-${way}` });
    step.textContent = way === "up" ? "↑" : "↓";
    step.ariaLabel = say.moveJobBy(way, prompt);
    return step;
  });
  const made = element("li", {}, move, withText("p", prompt), status, ...steps);
  made.dataset["state"] = state;
  made.dataset["job"] = String(id);
  if (state !== "running") {
    const drop = chip("✕", onDrop);
    drop.ariaLabel = say.dropJob(prompt);
    made.append(drop);
  }
  return made;
}
