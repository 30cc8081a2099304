// The queue: many requests, worked through one after another. It outlives the page; a tab that was
// at work when it was closed goes on when it is opened again.

import { beginning, say } from "../strings.js";
import { readLines } from "../files/lines.js";
import { addJobs, changeJob, deleteJobs, listJobs, putJobs } from "../storage/jobs.js";
import { onChange } from "../storage/database.js";
import { mayNotify, notify } from "../tab/signal.js";
import {
  anyById,
  button,
  byId,
  chip,
  element,
  onPress,
  remember,
  remembered,
  withText,
} from "../dom.js";
import { offerUndo } from "./undo.js";

/** Characters of a prompt that the list shows. */
const SHOWN = 300;

/** @typedef {import("../storage/jobs.js").Job} Job */
/** @typedef {import("../files/table.js").Row} Row */

/** How a job ended: well, stopped by the user, or not at all, with the reason. */
/** @typedef {"done" | "cancelled" | { failed: string, engineGone: boolean }} Outcome */

/**
 * @param {object} handlers
 * @param {() => Row} handlers.defaults the form's fields, for what a job does not say
 * @param {(fields: Row) => Promise<Outcome>} handlers.onRun
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createQueue({ defaults, onRun, onFault }) {
  const prompts = byId("prompts", HTMLTextAreaElement);
  const wish = byId("notify", HTMLInputElement);
  /** @type {Job[]} */
  let jobs = [];
  let running = false;

  async function refresh() {
    jobs = await listJobs();
    show();
  }

  /** @param {Job[]} which */
  function remove(which) {
    deleteJobs(which.map(({ id }) => id)).then(
      () => offerUndo(say.jobsRemoved(which.length), () => void putJobs(which).catch(onFault)),
      onFault,
    );
  }

  function show() {
    const waiting = jobs.filter(({ state }) => state === "waiting").length;
    anyById("queue-count").textContent = String(waiting);
    anyById("queue-count").hidden = !waiting;
    button("queue-run").disabled = !waiting && !running;
    button("queue-run").textContent = running ? say.pause() : say.start();
    button("queue-clear").disabled = !jobs.some(({ state }) => state !== "running");
    anyById("queue-status").textContent = jobs.length ? say.queue(jobs) : say.noJobs();
    anyById("jobs").replaceChildren(...jobs.map(item));
  }

  /** @param {Job} job */
  function item(job) {
    const { fields, state, reason } = job;
    const prompt = beginning(fields["prompt"] || say.noPrompt(), SHOWN);
    const made = element("li", {}, withText("p", prompt));
    made.dataset["state"] = state;
    const told = withText("span", reason ?? say.jobState(state));
    told.className = "hint";
    made.append(told);
    if (state !== "running") {
      const drop = chip("✕", () => remove([job]));
      drop.ariaLabel = say.dropJob(prompt);
      made.append(drop);
    }
    return made;
  }

  /** Works until nothing waits, or the user or a fault that will not pass stops it. */
  async function run() {
    if (running) return;
    setRunning(true);
    let done = 0;
    try {
      for (;;) {
        // The list may have changed in the meantime, also in another tab.
        jobs = await listJobs();
        const job = jobs.find(({ state }) => state === "waiting");
        if (!job || !running) break;
        await changeJob({ ...job, state: "running" });
        const outcome = await onRun(job.fields);
        if (outcome === "cancelled") {
          await changeJob({ ...job, state: "waiting" });
          setRunning(false);
        } else if (outcome === "done") {
          done += 1;
          await changeJob({ ...job, state: "done" });
        } else {
          await changeJob({ ...job, state: "failed", reason: outcome.failed });
          if (outcome.engineGone) setRunning(false);
        }
      }
      if (running && done) await notify(say.queueEnded(done));
    } catch (error) {
      onFault(error);
    }
    setRunning(false);
  }

  /** @param {boolean} on */
  function setRunning(on) {
    running = on;
    remember("queue-runs", on ? "yes" : null);
    show();
  }

  /** @param {Row[]} rows */
  async function add(rows) {
    const { seed: _seed, ...rest } = defaults();
    await addJobs(rows.map((row) => ({ ...rest, ...row })));
  }

  onPress("queue-add", async () => {
    const rows = readLines(prompts.value);
    try {
      await add(rows);
      if (rows.length) prompts.value = "";
    } catch (error) {
      onFault(error);
    }
  });
  onPress("queue-run", () => (running ? setRunning(false) : void run()));
  onPress("queue-clear", () => {
    const old = jobs.filter(({ state }) => state === "done" || state === "failed");
    remove(old.length ? old : jobs.filter(({ state }) => state === "waiting"));
  });
  wish.checked = remembered("notify") === "yes";
  wish.addEventListener("change", async () => {
    wish.checked &&= await mayNotify();
    remember("notify", wish.checked ? "yes" : null);
  });
  onChange("jobs", () => void refresh().catch(onFault));

  return {
    add,

    /** Reads what is kept; goes on with it when the page was closed at work. */
    async resume() {
      await refresh();
      const interrupted = remembered("queue-runs") === "yes";
      if (!interrupted) return;
      for (const job of jobs.filter(({ state }) => state === "running"))
        await changeJob({ ...job, state: "waiting" });
      await run();
    },

    /** Whether jobs are being worked through. */
    running: () => running,
  };
}
