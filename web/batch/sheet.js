// A grid as an HTML file that needs no other: a table for each value of z, its images as data
// addresses or beside it.

import { batchText as text } from "../strings/batch.js";

/** @typedef {import("./grids.js").SavedGrid} SavedGrid */

/**
 * A cell of it: where its image is, or what is written in its place.
 * @typedef {{ src: string, alt: string, width: number, height: number } | { note: string }} Cell
 */

const STYLE = `
  body { margin: 1rem; background: #fff; color: #111; font: 1rem/1.4 system-ui, sans-serif; }
  table { border-collapse: collapse; margin-block-end: 2rem; }
  caption { padding-block: 0.5rem; font-weight: bold; text-align: start; }
  th, td { padding: 0.25rem; text-align: center; overflow-wrap: anywhere; }
  tbody th { max-width: 14rem; text-align: start; }
  td { min-width: 4rem; color: #444; }
  img { display: block; max-width: 100%; height: auto; }
  dl { display: grid; grid-template-columns: max-content auto; gap: 0.2rem 1rem; }
  dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
`;

/**
 * @param {SavedGrid} grid
 * @param {Cell[]} cells
 * @returns {string}
 */
export function sheetOf({ title, made, scales, cells: rows }, cells) {
  const [x, y, z] = scales;
  const size = x.values.length * y.values.length;
  const tables = z.values.map((name, k) => {
    const head = z.label
      ? `<caption dir="auto">${escaped(text.value(z.label, name))}</caption>`
      : "";
    const corner = y.label ? "<td></td>" : "";
    const columns = x.values.map(
      (one) => `<th scope="col" dir="auto">${escaped(text.value(x.label, one))}</th>`,
    );
    const lines = y.values.map((one, j) => {
      const side = y.label
        ? `<th scope="row" dir="auto">${escaped(text.value(y.label, one))}</th>`
        : "";
      const from = k * size + j * x.values.length;
      return `<tr>${side}${cells
        .slice(from, from + x.values.length)
        .map(cellOf)
        .join("")}</tr>`;
    });
    const top = x.label ? `<thead><tr>${corner}${columns.join("")}</tr></thead>` : "";
    return `<table>${head}${top}<tbody>\n${lines.join("\n")}\n</tbody></table>`;
  });
  const facts = Object.entries(rows[0]?.fields ?? {}).filter(
    ([name, value]) => value && shown(name),
  );
  const list = facts.map(
    ([name, value]) => `<dt>${escaped(name)}</dt><dd dir="auto">${escaped(value)}</dd>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1 dir="auto">${escaped(title)}</h1>
<p>${escaped(new Date(made).toLocaleString())}</p>
${tables.join("\n")}
<h2>${escaped(text.firstCell())}</h2>
<dl>${list.join("\n")}</dl>
</body>
</html>
`;
}

/**
 * Fields that are keys of this browser's own storage mean nothing elsewhere.
 * @param {string} name
 */
const shown = (name) => !["initial", "mask", "controls", "count"].includes(name);

/** @param {Cell} cell */
function cellOf(cell) {
  if ("note" in cell) return `<td dir="auto">${escaped(cell.note)}</td>`;
  const { src, alt, width, height } = cell;
  const size = `width="${width}" height="${height}"`;
  return `<td><img src="${escaped(src)}" alt="${escaped(alt)}" ${size}></td>`;
}

/** @type {Record<string, string>} */
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** @param {string} own */
const escaped = (own) => own.replace(/[&<>"]/g, (sign) => SIGNS[sign] ?? sign);
