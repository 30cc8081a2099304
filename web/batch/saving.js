// Saves a grid: as one picture, or as an HTML file with its images inside; where these are too
// large for one file, as a zip file with the images beside it.

import { save } from "../dom.js";
import { zip } from "../files/zip.js";
import { imageFile } from "../storage/images.js";
import { batchText as text } from "../strings/batch.js";
import { drawPlot } from "./plot.js";
import { withRequest } from "./plot_text.js";
import { sheetOf } from "./sheet.js";
import { nameOf, noteOf } from "./table.js";

/** @typedef {import("./grids.js").SavedGrid} SavedGrid */
/** @typedef {import("./states.js").CellState} CellState */

/** Bytes of the images of one HTML file. */
const HTML_MAX = 50_000_000;

/** The name of a grid's file, without its ending. @param {SavedGrid} grid */
const fileName = ({ title }) => {
  const words = title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.join("-").slice(0, 60) || "grid";
};

/**
 * @param {SavedGrid} grid
 * @param {CellState[]} cells
 * @returns {Promise<string>} what to say of it
 */
export async function savePlot(grid, cells) {
  const sizes = cells.flatMap(({ image }) => (image ? [image] : []));
  const width = Math.max(...sizes.map((image) => image.width));
  const height = Math.max(...sizes.map((image) => image.height));
  const plot = await drawPlot(grid.scales, { width, height }, async (at) => {
    const cell = cells[at] ?? { state: "cancelled" };
    const file = cell.image && (await imageFile(cell.image.id));
    const note = noteOf(cell);
    return file ? { image: await createImageBitmap(file), note } : { note };
  });
  const [first] = sizes;
  const file = first && (await imageFile(first.id));
  const whole = file ? await withRequest(plot.file, file, grid.scales) : plot.file;
  save(`${fileName(grid)}.png`, whole);
  return plot.scale < 1
    ? text.plottedSmaller(plot.width, plot.height, plot.scale)
    : text.plotted(plot.width, plot.height);
}

/**
 * @param {SavedGrid} grid
 * @param {CellState[]} cells
 * @returns {Promise<string>} what to say of it
 */
export async function saveSheet(grid, cells) {
  const bytes = cells.reduce((sum, { image }) => sum + (image?.bytes ?? 0), 0);
  const beside = bytes > HTML_MAX;
  /** @type {{ name: string, blob: Blob, made: Date }[]} */
  const files = [];
  /** @type {import("./sheet.js").Cell[]} */
  const made = [];
  for (const [at, cell] of cells.entries()) {
    const { image } = cell;
    const blob = image && (await imageFile(image.id));
    if (!blob) {
      made.push({ note: noteOf(cell) });
      continue;
    }
    const name = `images/${String(at + 1).padStart(4, "0")}.png`;
    if (beside) files.push({ name, blob, made: new Date(image.made) });
    const { width, height } = image;
    made.push({ src: beside ? name : await dataUrl(blob), alt: nameOf(grid, at), width, height });
  }
  const html = new Blob([sheetOf(grid, made)], { type: "text/html" });
  if (!beside) {
    save(`${fileName(grid)}.html`, html);
    return "";
  }
  files.unshift({ name: "index.html", blob: html, made: new Date() });
  save(`${fileName(grid)}.zip`, await zip(files));
  return text.tooLargeForHtml();
}

/** A file as a data: address. @param {Blob} file @returns {Promise<string>} */
function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
