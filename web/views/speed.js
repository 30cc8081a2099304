// The view "Speed": which kernels run, how much memory the engine uses, and a measured evaluation
// of the UNet: the time of each kernel, and how near it comes to the adapter's peak. Loaded when it
// is first shown.

import { figures, toJson } from "../speed.js";
import { text } from "../strings/speed.js";
import { anyById, button, byId, element, onPress, save, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Held} Held */
/** @typedef {import("../speed.js").Measured} Measured */
/** @typedef {import("../state/page.js").Page} Page */
/** @typedef {import("../session/session.js").Session} Session */

/**
 * @typedef {object} Handlers
 * @property {() => import("../speed.js").Made[]} pictures times of images of the open model
 * @property {() => Promise<[Held, number | undefined]>} memory used now, and the most bytes so far
 * @property {() => void} onMeasure
 * @property {(kernels: "fixed" | "tuned") => Promise<void>} onChoose opens the model again;
 * resolves when that has ended, also if it failed
 * @property {(key: string) => Promise<void>} onForget as `onChoose`
 */

/**
 * @param {Page} state
 * @param {Session} session
 * @param {Handlers} handlers
 */
export function createSpeed(state, session, handlers) {
  const refresh = () => showControls(state);
  const showFacts = createFacts(state, handlers.memory);
  const table = createTable();
  watchKernels(state, handlers);
  watchMeasurement(state, session, table, handlers.pictures);
  onPress("speed-measure", handlers.onMeasure);
  onPress("speed-cancel", () => session.cancel());
  state.subscribe(["opened"], refresh);
  const showChoice = () => {
    const { kernels } = state.get().choice.how;
    byId(`kernels-${kernels === "tuned" ? "tuned" : "fixed"}`, HTMLInputElement).checked = true;
  };
  state.subscribe(["choice"], showChoice);
  showChoice();
  state.subscribe(["phase", "task"], () => {
    refresh();
    void showFacts();
  });
  refresh();
  return { enter: () => void showFacts() };
}

/** Whether a task runs. @param {Page} state */
function busy(state) {
  const { phase } = state.get();
  return phase === "loading" || phase === "generating";
}

/** Enables and disables the controls. @param {Page} state */
function showControls(state) {
  const { opened, task, phase } = state.get();
  const onCpu = opened?.description.device === "cpu";
  const running = task === "profile";
  button("speed-measure").disabled = busy(state) || onCpu;
  button("speed-cancel").disabled = !running;
  // Not while the model loads: a control that is disabled would lose the keyboard's focus.
  for (const id of ["kernels-fixed", "kernels-tuned"])
    byId(id, HTMLInputElement).disabled = running || phase === "generating";
  const forget = button("kernels-forget");
  forget.hidden = !opened?.description.tuning || opened.how.kernels !== "tuned";
  forget.disabled = busy(state);
  anyById("speed-cpu").hidden = !onCpu;
}

/**
 * A function that shows which kernels run, and the memory used.
 * @param {Page} state
 * @param {Handlers["memory"]} memory
 */
function createFacts(state, memory) {
  return async () => {
    const { opened } = state.get();
    const { adapter, kernels, held, peak, wasm } = text.facts;
    const { device, adapter: name = "", tuning } = opened?.description ?? {};
    /** @type {[string, string][]} */
    const rows = [[adapter, device ? (device === "cpu" ? text.cpu() : name) : text.noModel()]];
    /** @type {[string, string][]} */
    const chosen = [];
    if (tuning) {
      const [, choice, id] = tuning;
      chosen.push([kernels, text.kernels(opened?.how.kernels === "tuned", choice, id)]);
    }
    const show = () => list("speed-facts", [...rows, ...chosen]);
    show();
    // The peak is a call that waits for others: so it is read only while no task runs.
    const [now, most] = device && !busy(state) ? await memory().catch(() => []) : [];
    if (!now || device !== state.get().opened?.description.device) return;
    if (device !== "cpu") rows.push([held, text.memory(now.gpu_bytes, now.gpu_buffers)]);
    if (most !== undefined) rows.push([peak, text.bytes(most)]);
    rows.push([wasm, text.bytes(now.wasm_bytes)]);
    show();
  };
}

/** The table of the latest measurement, and the button that saves it. */
function createTable() {
  /** @type {Measured | null} */
  let measured = null;

  onPress("speed-json", () => {
    if (!measured) return;
    const name = `darkroom-speed-${measured.date.slice(0, 19).replaceAll(":", "-")}.json`;
    save(name, new Blob([toJson(measured)], { type: "application/json" }));
    anyById("speed-status").textContent = text.saved(name);
  });

  return {
    /** @param {Measured} now */
    show(now) {
      measured = now;
      const { profile, date, model, description } = now;
      const { seconds, gflops, gbps } = text.figures;
      list("speed-figures", [
        [seconds, text.spoken(profile.seconds)],
        [gflops, text.gflops(profile.peaks.gflops)],
        [gbps, text.gbps(profile.peaks.gbps)],
      ]);
      const { rows, total } = figures(profile);
      const head = text.head.map((name) => element("th", { scope: "col" }, name));
      const id = description.tuning?.[2] ?? "";
      anyById("speed-table").replaceChildren(
        element("caption", {}, withText("span", text.caption(model, profile.size, id, date))),
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...rows.map((row) => line(row.kernel, row))),
        element("tfoot", {}, line(text.all(), total)),
      );
      anyById("speed-clock").textContent = text.clock(profile.by_device_clock);
      anyById("speed-result").hidden = false;
      button("speed-json").disabled = false;
    },

    /** Seconds of the measured evaluation. */
    seconds: () => measured?.profile.seconds ?? 0,
  };
}

/**
 * The choice of kernels, with its status line.
 * @param {Page} state
 * @param {Handlers} handlers
 */
function watchKernels(state, { onChoose, onForget }) {
  const status = anyById("speed-status");

  /**
   * Opens the model in another way, and shows how that ended.
   * @param {() => Promise<void>} act
   * @param {() => string} sentence to show on success
   */
  async function reopen(act, sentence) {
    status.textContent = text.reopening();
    try {
      await act();
      status.textContent = state.get().opened ? sentence() : "";
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    }
  }

  for (const kernels of /** @type {const} */ (["fixed", "tuned"])) {
    byId(`kernels-${kernels}`, HTMLInputElement).addEventListener("change", () => {
      void reopen(
        () => onChoose(kernels),
        () => text.chosen(kernels === "tuned"),
      );
    });
  }
  onPress("kernels-forget", () => {
    const [key] = state.get().opened?.description.tuning ?? [];
    if (key !== undefined) void reopen(() => onForget(key), text.forgotten);
  });
}

/**
 * Shows the progress of a measurement, and how it ended.
 * @param {Page} state
 * @param {Session} session
 * @param {ReturnType<typeof createTable>} table
 * @param {Handlers["pictures"]} pictures
 */
function watchMeasurement(state, session, table, pictures) {
  const [measure, cancel] = [button("speed-measure"), button("speed-cancel")];
  const bar = byId("speed-bar", HTMLProgressElement);
  const status = anyById("speed-status");
  let focused = false;

  state.subscribe(["task"], ({ task }, before) => {
    // Noted here, because a button that is disabled loses the focus.
    focused = before.task === "profile" && document.activeElement === cancel;
    if (task !== "profile") return;
    showControls(state);
    bar.removeAttribute("value");
    bar.hidden = false;
    status.textContent = text.measuring();
    cancel.focus();
  });
  session.on("progress", (progress) => {
    if (state.get().task === "profile" && progress.event === "step")
      bar.value = progress.step / progress.steps;
  });
  session.on("profile", ({ report, held, peak }) => {
    const { opened } = state.get();
    const [profile] = report.evaluations;
    const date = new Date().toISOString();
    const made = { pictures: pictures() };
    if (opened && profile) table.show({ ...opened, report, profile, date, held, peak, ...made });
  });
  session.on("end", ({ task, outcome }) => {
    if (task !== "profile") return;
    bar.hidden = true;
    if (focused) measure.focus();
    if (outcome === "done") status.textContent = text.done(table.seconds());
    else status.textContent = outcome === "cancelled" ? text.cancelled() : outcome.failed;
  });
}

/**
 * @param {string} id of the list
 * @param {[string, string][]} rows
 */
function list(id, rows) {
  anyById(id).replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, withText("dt", name), withText("dd", value))),
  );
}

/**
 * @param {string} name
 * @param {import("../speed.js").Row} row
 */
function line(name, row) {
  const cells = text.cells(row).map((cell) => withText("td", cell));
  const made = element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  made.style.setProperty("--share", String(row.share ?? 0));
  return made;
}
