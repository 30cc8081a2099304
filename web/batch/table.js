// The tables of a grid in the dialog: one for each value of z. A cell is built anew only when
// something has become of it.

import { element } from "../dom.js";
import { batchText as text } from "../strings/batch.js";
import { imageButton } from "../views/thumbnails.js";

/** @typedef {import("./grids.js").SavedGrid} SavedGrid */
/** @typedef {import("./states.js").CellState} CellState */

/** @param {(id: number) => void} view shows an image of the gallery */
export function createTable(view) {
  const box = element("div", { className: "sheet-table many-sheet", role: "region", tabIndex: 0 });
  box.ariaLabel = text.tab.results;
  let id = "";
  /** @type {HTMLTableCellElement[]} */
  let places = [];

  /**
   * @param {HTMLTableCellElement} place
   * @param {CellState} cell
   * @param {string} name
   */
  function fill(place, { state, image, job }, name) {
    const key = `${state} ${image?.id} ${job?.reason}`;
    if (place.dataset["key"] === key) return;
    place.dataset["key"] = key;
    place.dataset["state"] = state;
    if (!image) return place.replaceChildren(noteOf({ state, ...(job && { job }) }));
    const made = imageButton(image, () => view(image.id));
    made.ariaLabel = made.title = text.openCell(name);
    place.replaceChildren(made);
  }

  /** @param {SavedGrid} grid */
  function build({ scales: [x, y, z] }) {
    places = [];
    box.replaceChildren(
      ...z.values.map((value) => {
        const made = element("table", {});
        if (z.label) made.append(element("caption", { dir: "auto" }, text.value(z.label, value)));
        const top = element("tr", {}, ...(y.label ? [element("td", {})] : []));
        for (const one of x.values)
          top.append(element("th", { scope: "col", dir: "auto" }, text.value(x.label, one)));
        if (x.label) made.append(element("thead", {}, top));
        const body = element("tbody", {});
        for (const one of y.values) {
          const line = element("tr", {});
          if (y.label)
            line.append(element("th", { scope: "row", dir: "auto" }, text.value(y.label, one)));
          const cells = x.values.map(() => element("td", {}));
          places.push(...cells);
          line.append(...cells);
          body.append(line);
        }
        made.append(body);
        return made;
      }),
    );
  }

  return {
    box,

    /** @param {SavedGrid} grid @param {CellState[]} cells */
    show(grid, cells) {
      if (id !== grid.id) build(grid);
      id = grid.id;
      for (const [at, cell] of cells.entries()) {
        const place = places[at];
        if (place) fill(place, cell, nameOf(grid, at));
      }
    },
  };
}

/**
 * What is written in the place of an image that is not there.
 * @param {Pick<CellState, "state" | "job">} cell
 */
export function noteOf({ state, job }) {
  return state === "failed" && job?.reason ? text.failed(job.reason) : (text.state[state] ?? state);
}

/** A cell by its values. @param {SavedGrid} grid @param {number} at */
export function nameOf({ scales: [x, y, z] }, at) {
  const [width, height] = [x.values.length, y.values.length];
  const places = /** @type {const} */ ([
    [x, at % width],
    [y, Math.floor(at / width) % height],
    [z, Math.floor(at / (width * height))],
  ]);
  return text.cellName(
    places.map(([scale, i]) => scale.label && text.value(scale.label, scale.values[i] ?? "")),
  );
}
