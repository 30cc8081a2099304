// A grid as one picture: for each value of z a table with the values of x above its columns and
// those of y before its rows. Black on white, as plots of other programs. Where it would be too
// large for a canvas, all of it is drawn smaller.

import { batchText as text } from "../strings/batch.js";

/** @typedef {import("./cells.js").Scale} Scale */

/** Pixels of a plot, and of each side of it. */
export const PIXELS_MAX = 2 ** 25;
export const SIDE_MAX = 16_384;

/** Pixels between two cells, and around the plot. */
const [GAP, MARGIN] = [8, 16];
/** The size of letters, as a share of a cell's width, and its bounds. */
const [LETTERS, LETTERS_MIN, LETTERS_MAX] = [0.06, 12, 40];
/** The height of a line, in letters; the most lines of a label. */
const [LINE, LINES_MAX] = [1.3, 6];
/** The width of the column of labels, as a share of a cell's; and the fewest letters of it. */
const [LABELS, LABELS_MIN] = [0.6, 8];

/**
 * A cell: its image, which is closed once it is drawn, or what is written in its place.
 * @typedef {{ image?: ImageBitmap, note: string }} Cell
 *
 * Where everything is, in pixels before it is drawn smaller.
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {number} scale what all is multiplied with
 * @property {number} font the size of letters
 * @property {Label[]} labels
 * @property {{ x: number, y: number }[]} cells in their order
 *
 * @typedef {{ x: number, y: number, lines: string[], centred: boolean, bold: boolean }} Label
 */

/**
 * @param {[Scale, Scale, Scale]} scales
 * @param {{ width: number, height: number }} cell the size of the largest image
 * @param {(text: string, font: number) => number} measure the width of a text
 * @returns {Layout}
 */
export function layoutOf([x, y, z], cell, measure) {
  const font = Math.round(Math.min(Math.max(cell.width * LETTERS, LETTERS_MIN), LETTERS_MAX));
  // Whole pixels: an image that lies between them is blurred.
  const line = Math.ceil(font * LINE);
  const wrap = (/** @type {string} */ label, /** @type {number} */ width) =>
    wrapped(label, width, (own) => measure(own, font));
  const side = y.label ? Math.ceil(Math.max(cell.width * LABELS, font * LABELS_MIN)) : 0;
  const left = MARGIN + (side ? side + GAP : 0);
  const heads = x.label ? x.values.map((value) => wrap(named(x, value), cell.width)) : [];
  const head = Math.max(0, ...heads.map((lines) => lines.length)) * line;
  const width = left + x.values.length * (cell.width + GAP) - GAP + MARGIN;
  /** @type {Label[]} */
  const labels = [];
  /** @type {Layout["cells"]} */
  const cells = [];
  let top = MARGIN;
  for (const name of z.values) {
    if (z.label) {
      const lines = wrap(named(z, name), width - 2 * MARGIN);
      labels.push({ x: width / 2, y: top, lines, centred: true, bold: true });
      top += lines.length * line + GAP;
    }
    for (const [i, lines] of heads.entries())
      labels.push({
        ...{ x: left + i * (cell.width + GAP) + cell.width / 2, y: top, lines },
        ...HEAD,
      });
    if (head) top += head + GAP;
    for (const value of y.values) {
      if (y.label) {
        const lines = wrap(named(y, value), side);
        const middle = top + Math.max(0, (cell.height - lines.length * line) / 2);
        labels.push({ x: MARGIN, y: middle, lines, centred: false, bold: false });
      }
      for (const i of x.values.keys()) cells.push({ x: left + i * (cell.width + GAP), y: top });
      top += cell.height + GAP;
    }
    top += GAP;
  }
  const height = top - 2 * GAP + MARGIN;
  const scale = Math.min(
    1,
    Math.sqrt(PIXELS_MAX / (width * height)),
    SIDE_MAX / Math.max(width, height),
  );
  return { width, height, scale, font, labels, cells };
}

const HEAD = { centred: true, bold: false };

/** @param {Scale} scale @param {string} value */
const named = ({ label }, value) => text.value(label, value);

/**
 * A text in lines of a width; what does not fit in `LINES_MAX` ends with "…".
 * @param {string} label
 * @param {number} width
 * @param {(text: string) => number} measure
 */
export function wrapped(label, width, measure) {
  const lines = [""];
  const words = label.split(/\s+/).flatMap((word) => pieces(word, width, measure));
  for (const word of words) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (measure(longer) <= width || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length <= LINES_MAX) return lines;
  const kept = lines.slice(0, LINES_MAX);
  kept[LINES_MAX - 1] = `${kept[LINES_MAX - 1]}…`;
  return kept;
}

/**
 * A word in pieces, each as long as a line.
 * @param {string} word
 * @param {number} width
 * @param {(text: string) => number} measure
 */
function pieces(word, width, measure) {
  if (measure(word) <= width) return [word];
  const made = [""];
  for (const letter of word) {
    if (made.at(-1) && measure(`${made.at(-1)}${letter}`) > width) made.push("");
    if (made.length > LINES_MAX) break;
    made[made.length - 1] += letter;
  }
  return made;
}

const FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

/**
 * Draws a plot; resolves to its PNG file and by how much it was made smaller.
 * @param {[Scale, Scale, Scale]} scales
 * @param {{ width: number, height: number }} size of the largest image
 * @param {(at: number) => Promise<Cell>} cellAt is called for one cell after another
 */
export async function drawPlot(scales, size, cellAt) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (!context) throw new Error(text.noCanvas());
  const measure = (/** @type {string} */ own, /** @type {number} */ font) => {
    context.font = `${font}px ${FAMILY}`;
    return context.measureText(own).width;
  };
  const layout = layoutOf(scales, size, measure);
  canvas.width = Math.max(1, Math.floor(layout.width * layout.scale));
  canvas.height = Math.max(1, Math.floor(layout.height * layout.scale));
  context.scale(layout.scale, layout.scale);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, layout.width, layout.height);
  for (const label of layout.labels) drawLabel(context, layout.font, label);
  for (const [at, place] of layout.cells.entries())
    drawCell(context, layout.font, { ...place, ...size }, await cellAt(at));
  const file = await new Promise((/** @type {(made: Blob | null) => void} */ done) =>
    canvas.toBlob(done, "image/png"),
  );
  if (!file) throw new Error(text.noCanvas());
  return { file, scale: layout.scale, width: canvas.width, height: canvas.height };
}

/** @param {CanvasRenderingContext2D} context @param {number} font @param {Label} label */
function drawLabel(context, font, { x, y, lines, centred, bold }) {
  context.font = `${bold ? "bold " : ""}${font}px ${FAMILY}`;
  context.fillStyle = "#000";
  context.textAlign = centred ? "center" : "left";
  context.textBaseline = "top";
  for (const [i, own] of lines.entries()) context.fillText(own, x, y + i * Math.ceil(font * LINE));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} font
 * @param {{ x: number, y: number, width: number, height: number }} place
 * @param {Cell} cell
 */
function drawCell(context, font, { x, y, width, height }, { image, note }) {
  if (image) {
    context.drawImage(image, x, y);
    image.close();
    return;
  }
  context.fillStyle = "#ddd";
  context.fillRect(x, y, width, height);
  context.font = `${font}px ${FAMILY}`;
  const lines = wrapped(note, width - 2 * GAP, (own) => context.measureText(own).width);
  const top = y + Math.max(GAP, (height - lines.length * font * LINE) / 2);
  drawLabel(context, font, { x: x + width / 2, y: top, lines, centred: true, bold: false });
}
