// The room "Speed": which kernels run and who chose them, what the engine holds, and an evaluation
// of the model measured kernel by kernel, beside what the adapter can do at best.

import { figures, toJson } from "../speed.js";
import { text } from "../strings/speed.js";
import { anyById, button, byId, element, onPress, save, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Options} Options */
/** @typedef {import("../engine/protocol.js").Description} Description */
/** @typedef {import("../engine/protocol.js").Held} Held */
/** @typedef {import("../speed.js").Measured} Measured */
/** @typedef {{ model: string, how: Options, description: Description }} Opened */

/**
 * @param {object} handlers
 * @param {() => Promise<[Held, number | undefined]>} handlers.memory what is held, and the most
 * @param {() => void} handlers.onMeasure
 * @param {() => void} handlers.onCancel
 * @param {(kernels: "fixed" | "tuned") => Promise<void>} handlers.onChoose resolves when the model
 * is open again, or has not been opened
 * @param {(key: string) => Promise<void>} handlers.onForget as `onChoose`
 */
export function createSpeed({ memory, onMeasure, onCancel, onChoose, onForget }) {
  const measure = button("speed-measure");
  const cancel = button("speed-cancel");
  const forget = button("kernels-forget");
  const bar = byId("speed-bar", HTMLProgressElement);
  const status = anyById("speed-status");
  const fixed = byId("kernels-fixed", HTMLInputElement);
  const tuned = byId("kernels-tuned", HTMLInputElement);
  /** @type {Opened | null} */
  let opened = null;
  /** @type {Measured | null} */
  let measured = null;
  let running = false;
  /** @type {import("../session.js").State} */
  let state = "loading";
  const busy = () => state === "loading" || state === "generating";

  function refresh() {
    const onCpu = opened?.description.device === "cpu";
    measure.disabled = busy() || onCpu;
    cancel.disabled = !running;
    // Not while it loads: who goes from one to the other by the keyboard keeps the focus.
    fixed.disabled = tuned.disabled = running || state === "generating";
    forget.hidden = !opened?.description.tuning || opened.how.kernels !== "tuned";
    forget.disabled = busy();
    anyById("speed-cpu").hidden = !onCpu;
  }

  async function showFacts() {
    const { adapter, kernels, held, peak, wasm } = text.facts;
    const { device, adapter: name = "", tuning } = opened?.description ?? {};
    /** @type {[string, string][]} */
    const rows = [[adapter, device ? (device === "cpu" ? text.cpu() : name) : text.noModel()]];
    const show = () => list("speed-facts", [...rows, ...chosen]);
    /** @type {[string, string][]} */
    const chosen = [];
    if (tuning) {
      const [, choice, id] = tuning;
      chosen.push([kernels, text.kernels(opened?.how.kernels === "tuned", choice, id)]);
    }
    show();
    // The most is asked for in turn with other work: nothing waits for a picture here.
    const [now, most] = device && !busy() ? await memory().catch(() => []) : [];
    if (!now || device !== opened?.description.device) return;
    if (device !== "cpu") rows.push([held, text.memory(now.gpu_bytes, now.gpu_buffers)]);
    if (most !== undefined) rows.push([peak, text.bytes(most)]);
    rows.push([wasm, text.bytes(now.wasm_bytes)]);
    show();
  }

  function showTable() {
    if (!measured) return;
    const { profile, date, model, description } = measured;
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
  }

  /**
   * Tries another way to open the model and says how it went.
   * @param {() => Promise<void>} act
   * @param {() => string} sentence when it went well
   */
  async function reopening(act, sentence) {
    status.textContent = text.reopening();
    try {
      await act();
      status.textContent = opened ? sentence() : "";
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    }
  }

  for (const choice of [fixed, tuned]) {
    choice.addEventListener("change", () => {
      const kernels = choice === tuned ? "tuned" : "fixed";
      void reopening(() => onChoose(kernels), () => text.chosen(kernels === "tuned"));
    });
  }
  onPress("kernels-forget", () => {
    const [key] = opened?.description.tuning ?? [];
    if (key !== undefined) void reopening(() => onForget(key), text.forgotten);
  });
  onPress("speed-measure", onMeasure);
  onPress("speed-cancel", onCancel);
  onPress("speed-json", () => {
    if (!measured) return;
    const name = `darkroom-speed-${measured.date.slice(0, 19).replaceAll(":", "-")}.json`;
    save(name, new Blob([toJson(measured)], { type: "application/json" }));
    status.textContent = text.saved(name);
  });
  refresh();

  return {
    enter: () => void showFacts(),

    /** A model is about to be opened. @param {Options} how */
    choose({ kernels }) {
      opened = null;
      (kernels === "tuned" ? tuned : fixed).checked = true;
      refresh();
      void showFacts();
    },

    /**
     * A model is open.
     * @param {{ model: string, how: Options }} choice
     * @param {Description} description
     */
    describe(choice, description) {
      opened = { ...choice, description };
      refresh();
    },

    /** @param {import("../session.js").State} now */
    enable(now) {
      state = now;
      refresh();
      void showFacts();
    },

    begin() {
      running = true;
      refresh();
      bar.removeAttribute("value");
      bar.hidden = false;
      status.textContent = text.measuring();
      cancel.focus();
    },

    /** @param {import("../engine/protocol.js").Progress} progress */
    progress(progress) {
      if (progress.event === "step") bar.value = progress.step / progress.steps;
    },

    /** @param {import("../engine/protocol.js").Profile} profile */
    async show(profile) {
      if (!opened) return;
      const date = new Date().toISOString();
      const [held, peak] = await memory();
      measured = { ...opened, profile, date, held, peak };
      showTable();
    },

    /** @param {import("./queue.js").Outcome} outcome */
    end(outcome) {
      running = false;
      bar.hidden = true;
      const focused = document.activeElement === cancel;
      refresh();
      if (focused) measure.focus();
      if (outcome === "done") status.textContent = text.done(measured?.profile.seconds ?? 0);
      else status.textContent = outcome === "cancelled" ? text.cancelled() : outcome.failed;
    },
  };
}

/**
 * @param {string} id of the list
 * @param {[string, string][]} rows
 */
function list(id, rows) {
  anyById(id).replaceChildren(
    ...rows.map(([name, value]) =>
      element("div", {}, withText("dt", name), withText("dd", value)),
    ),
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
