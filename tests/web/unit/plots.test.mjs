// The plot of a grid, before it is drawn: where cells and labels are, and what is too large; the
// HTML file; what becomes of cells.

import assert from "node:assert/strict";
import test from "node:test";
import { PIXELS_MAX, SIDE_MAX, layoutOf, wrapped } from "../../../web/batch/plot.js";
import { scriptOf } from "../../../web/batch/plot_text.js";
import { sheetOf } from "../../../web/batch/sheet.js";
import { statesOf } from "../../../web/batch/states.js";

/** As if each letter were half as wide as high. @type {(text: string, font: number) => number} */
const measure = (text, font) => (text.length * font) / 2;
const values = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => `v${i}`);
const NONE = { label: "", values: [""] };
/** @returns {[import("../../../web/batch/cells.js").Scale, any, any]} */
const scales = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ z) => [
  { label: "Steps", values: values(x) },
  y ? { label: "CFG scale", values: values(y) } : NONE,
  z ? { label: "Seed", values: values(z) } : NONE,
];

test("cells lie in rows and columns, none over another or over a label", () => {
  const cell = { width: 100, height: 80 };
  const { cells, labels, width, height, scale } = layoutOf(scales(3, 2, 2), cell, measure);
  assert.equal(cells.length, 12);
  assert.equal(scale, 1);
  const areas = [
    ...cells.map(({ x, y }) => [x, y, x + 100, y + 80]),
    ...labels.map(({ x, y, lines, centred }) => {
      const wide = Math.max(...lines.map((line) => measure(line, 12)));
      return [centred ? x - wide / 2 : x, y, centred ? x + wide / 2 : x + wide, y + 14];
    }),
  ];
  for (const [i, [x0 = 0, y0 = 0, x1 = 0, y1 = 0]] of areas.entries()) {
    assert.ok(x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height, `${i} is outside`);
    for (const [a = 0, b = 0, c = 0, d = 0] of areas.slice(i + 1))
      assert.ok(c <= x0 || a >= x1 || d <= y0 || b >= y1, `${i} is covered`);
  }
  // Whole pixels, so that images stay as they are.
  assert.ok(cells.every(({ x, y }) => Number.isInteger(x) && Number.isInteger(y)));
  // Two titles, and in each table three columns and two rows.
  assert.equal(labels.length, 2 * (1 + 3 + 2));
  assert.deepEqual(labels[0]?.lines, ["Seed: v0"]);
});

test("one axis has no column of labels", () => {
  const { cells } = layoutOf(scales(2, 0, 0), { width: 64, height: 64 }, measure);
  assert.deepEqual(
    cells.map(({ x }) => x),
    [16, 88],
  );
});

test("a plot that is too large for a canvas is drawn smaller", () => {
  for (const [x, y] of [
    [40, 25],
    [1000, 1],
    [1, 1000],
  ]) {
    const { width, height, scale } = layoutOf(
      scales(x ?? 1, y ?? 1, 0),
      { width: 512, height: 512 },
      measure,
    );
    assert.ok(scale < 1);
    assert.ok(width * scale * height * scale <= PIXELS_MAX * 1.001, `${width} × ${height}`);
    assert.ok(Math.max(width, height) * scale <= SIDE_MAX + 1);
  }
});

test("labels are broken into lines, long words too, and end somewhere", () => {
  const by = (/** @type {string} */ text) => text.length;
  assert.deepEqual(wrapped("a photo of a cat", 8, by), ["a photo", "of a cat"]);
  assert.deepEqual(wrapped("abcdefghij k", 4, by), ["abcd", "efgh", "ij k"]);
  assert.deepEqual(wrapped("", 8, by), [""]);
  const long = wrapped("word ".repeat(10_000), 8, by);
  assert.equal(long.length, 6);
  assert.match(long.at(-1) ?? "", /…$/);
  assert.equal(wrapped("x".repeat(1_000_000), 8, by).length, 6);
});

/** @type {import("../../../web/batch/grids.js").SavedGrid} */
const GRID = {
  ...{ id: "g", made: 0, title: '<b> & "c"', scales: scales(2, 0, 0) },
  cells: [{ fields: { prompt: "<script>", initial: "7", steps: "1" } }, { fields: {} }],
};

test("what the user wrote is text in the HTML file", () => {
  const html = sheetOf(GRID, [
    { src: "data:,", alt: '" onerror="x', width: 1, height: 2 },
    { note: "<i>failed" },
  ]);
  assert.ok(!/<script|<i>|<b>|" onerror/.test(html), html);
  assert.match(html, /<h1 dir="auto">&lt;b&gt; &amp; &quot;c&quot;<\/h1>/);
  assert.match(
    html,
    /<td><img src="data:," alt="&quot; onerror=&quot;x" width="1" height="2"><\/td>/,
  );
  assert.match(html, /<td dir="auto">&lt;i&gt;failed<\/td>/);
  assert.match(html, /<dt>prompt<\/dt><dd dir="auto">&lt;script&gt;<\/dd>/);
  assert.ok(!html.includes("<dt>initial</dt>"));
});

test("a cell is its image, else its job, else it was cancelled", () => {
  const grid = { ...GRID, cells: Array.from({ length: 6 }, () => ({ fields: {} })) };
  const job = (/** @type {number} */ cell, /** @type {any} */ state, of = "g") =>
    /** @type {any} */ ({ id: cell, fields: {}, state, origin: { grid: of, cell } });
  const image = (/** @type {number} */ id, /** @type {number} */ cell, of = "g") =>
    /** @type {any} */ ({ id, origin: { grid: of, cell } });
  const jobs = [
    ...[job(0, "done"), job(1, "running"), job(2, "failed"), job(3, "done")],
    ...[job(4, "waiting", "other"), job(99, "failed"), { ...job(5, "done"), origin: undefined }],
  ];
  const images = [image(8, 0), image(3, 0), image(9, 4, "other"), image(7, 2)];
  const states = statesOf(grid, images, jobs);
  assert.deepEqual(
    states.map(({ state }) => state),
    // An image counts more than a job that failed later; one that was deleted can be made again.
    ["done", "running", "done", "cancelled", "cancelled", "cancelled"],
  );
  assert.equal(states[0]?.image?.id, 8, "the later one");
});

test("the axes as the settings of AUTOMATIC1111's scripts", () => {
  const [x, , none] = scales(2, 0, 0);
  assert.equal(scriptOf([x, none, none]), 'Script: X/Y/Z plot, X Type: Steps, X Values: "v0, v1"');
  const replace = { label: "Prompt search and replace", values: ["a: b", 'c, "d"'] };
  assert.equal(
    scriptOf([{ label: "Seed", values: ["7"] }, none, replace]),
    "Script: X/Y/Z plot, X Type: Seed, X Values: 7, " +
      `Z Type: Prompt S/R, Z Values: ${JSON.stringify('a: b, "c, ""d"""')}`,
  );
  assert.equal(
    scriptOf([{ label: "Prompt", values: ["—", "b"] }, none, none]),
    "Script: Prompt matrix",
  );
});
