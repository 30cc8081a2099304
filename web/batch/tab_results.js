// The tab "Results": a grid as a table that fills while the queue works, to be saved as one picture
// or as an HTML file. Cells that failed or were cancelled can be made again.

import { chip, element, setText, withText } from "../dom.js";
import { onChange as onPageChange } from "../storage/database.js";
import { batchText as text } from "../strings/batch.js";
import { offerUndo } from "../views/undo.js";
import { onChange } from "./database.js";
import { addCells, dropGrid, listGrids, readStates, stopCells } from "./grids.js";
import { field, hint, select } from "./parts.js";
import { savePlot, saveSheet } from "./saving.js";
import { statesOf } from "./states.js";
import { createTable } from "./table.js";

/** @typedef {import("./grids.js").SavedGrid} SavedGrid */
/** @typedef {import("./states.js").CellState} CellState */

/**
 * The grid that is shown, and what has become of its cells.
 * @typedef {{ grid: SavedGrid, cells: CellState[] }} Shown
 */

/** Milliseconds after a change until the table follows: images may come quickly. */
const REST_MS = 150;

/** @param {import("./dialog.js").Work} work */
export function createResults({ resume, run, runs, view }) {
  const chooser = select("many-grid", []);
  const none = hint(text.noGrids());
  const told = withText("p", "");
  told.className = "hint";
  told.setAttribute("role", "status");
  const states = hint("");
  const table = createTable(view);
  /** @type {SavedGrid[]} */
  let grids = [];
  /** @type {Shown | null} */
  let shown = null;
  let timer = 0;
  const tell = (/** @type {string} */ sentence) => setText(told, sentence);

  const buttons = createButtons(() => shown, { resume, run, runs, tell });

  function show() {
    const { grid, cells = [] } = shown ?? {};
    for (const one of [picked, states, buttons.box, table.box]) one.hidden = !grid;
    none.hidden = !!grid;
    if (!grid) return;
    table.show(grid, cells);
    const counts = new Map();
    for (const { state } of cells) {
      const name = text.state[state] ?? state;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    setText(states, text.states(counts));
    buttons.show(cells);
  }

  async function refresh() {
    grids = await listGrids();
    const before = chooser.value;
    chooser.replaceChildren(
      ...grids.map(({ id, title, made }) =>
        element("option", { value: id }, text.gridOption(title, made)),
      ),
    );
    chooser.value = grids.some(({ id }) => id === before) ? before : (grids[0]?.id ?? "");
    await follow();
  }

  /** Reads what has become of the cells. */
  async function follow() {
    const grid = grids.find(({ id }) => id === chooser.value);
    const { images, jobs } = await readStates();
    // Another one may have been chosen meanwhile: then that is read next.
    if (grid?.id !== (chooser.value || undefined)) return;
    shown = grid ? { grid, cells: statesOf(grid, images, jobs) } : null;
    show();
  }

  const later = () => {
    if (!panel.offsetParent) return;
    clearTimeout(timer);
    timer = setTimeout(() => void follow().catch((error) => tell(error.message)), REST_MS);
  };
  onPageChange("jobs", later);
  onPageChange("pictures", later);
  onChange(() => panel.offsetParent && void refresh().catch((error) => tell(error.message)));
  chooser.addEventListener("change", () => {
    tell("");
    void follow().catch((error) => tell(error.message));
  });
  const picked = field(text.grid(), chooser);
  const panel = element("div", {}, none, picked, states, table.box, buttons.box, told);
  return {
    panel,
    enter: () => void refresh().catch((error) => tell(error.message)),

    /** Chooses a grid. @param {string} id */
    async choose(id) {
      await refresh();
      chooser.value = id;
      tell("");
      await follow();
    },
  };
}

/**
 * The buttons that act on a grid.
 * @param {() => Shown | null} shown
 * @param {Pick<import("./dialog.js").Work, "resume" | "run" | "runs"> &
 *   { tell: (sentence: string) => void }} handlers
 */
function createButtons(shown, { resume, run, runs, tell }) {
  const fail = (/** @type {any} */ error) => tell(error.message);
  const acting = (
    /** @type {string} */ label,
    /** @type {(own: Shown) => Promise<unknown>} */ act,
  ) =>
    chip(label, () => {
      const own = shown();
      if (own) act(own).catch(fail);
    });
  const png = acting(text.savePng(), async ({ grid, cells }) => {
    tell(text.plotting());
    tell(await savePlot(grid, cells));
  });
  const html = acting(text.saveHtml(), async ({ grid, cells }) => {
    tell(await saveSheet(grid, cells));
  });
  const retry = acting("", async ({ grid }) => {
    const { images, jobs } = await readStates();
    const missing = missingOf(statesOf(grid, images, jobs));
    await stopCells(
      grid,
      ({ state, origin }) => state !== "waiting" && missing.includes(origin?.cell ?? -1),
    );
    await addCells(grid, missing);
    resume();
  });
  const start = acting(text.startQueue(), run);
  const stop = acting(text.stop(), ({ grid }) =>
    stopCells(grid, ({ state }) => state === "waiting"),
  );
  const drop = acting(text.dropGrid(), async ({ grid }) => {
    const back = await dropGrid(grid);
    offerUndo(text.gridDropped(), () => void back().catch(fail));
  });
  return {
    box: element("div", { className: "actions" }, png, html, start, retry, stop, drop),

    /** @param {CellState[]} cells */
    show(cells) {
      png.disabled = html.disabled = !cells.some(({ image }) => image);
      const missing = missingOf(cells).length;
      retry.hidden = !missing;
      retry.textContent = text.retry(missing);
      const waits = cells.some(({ state }) => state === "waiting");
      start.hidden = !waits || runs();
      stop.hidden = !waits;
    },
  };
}

/** The cells that nothing makes any more. @param {CellState[]} cells */
const missingOf = (cells) =>
  cells.flatMap(({ state }, at) => (state === "failed" || state === "cancelled" ? [at] : []));
