// The mask of a start image: strokes, the eraser, fill, invert, the bounded history; how it is
// written as colours; and how the image lies on the painter's stage.

import assert from "node:assert/strict";
import test from "node:test";
import { brightness, redOver, transparency, whiteOnBlack } from "../../../web/edit/colours.js";
import { createBrush } from "../../../web/edit/brush.js";
import { createHistory } from "../../../web/edit/history.js";
import { Mask, SIDE_MAX, maskSize, union } from "../../../web/edit/mask.js";
import { fit, pan, reveal, toImage, zoomAt } from "../../../web/edit/zoom.js";

const dab = (/** @type {number} */ x, /** @type {number} */ y, radius = 3) => ({ x, y, radius });

/**
 * Paints one line as a stroke.
 * @param {Mask} mask
 * @param {import("../../../web/edit/mask.js").Dab} from
 * @param {import("../../../web/edit/mask.js").Dab} to
 */
function stroke(mask, from, to = from, erase = false) {
  mask.begin();
  const rect = mask.line(from, to, erase);
  return { rect, changed: mask.end() };
}

const at = (/** @type {Mask} */ mask, /** @type {number} */ x, /** @type {number} */ y) =>
  mask.bytes[y * mask.width + x];

test("a dab is a disc whose area is that of the circle, with smooth edges", () => {
  const mask = new Mask(64, 48);
  const { rect, changed } = stroke(mask, dab(20, 20, 8));
  assert.equal(changed, true);
  const area = mask.share() * 64 * 48;
  assert.ok(Math.abs(area - Math.PI * 64) < 2, `${area}`);
  assert.equal(at(mask, 20, 20), 255);
  assert.equal(at(mask, 20, 40), 0);
  const edge = [...mask.bytes].filter((value) => value > 0 && value < 255);
  assert.ok(edge.length > 20, "the edge has values between");
  // Nothing outside the part that it tells.
  for (const [i, value] of mask.bytes.entries()) {
    const [x, y] = [i % 64, Math.floor(i / 64)];
    const { x: left, y: top, width, height } = /** @type {any} */ (rect);
    const inside = x >= left && x < left + width && y >= top && y < top + height;
    assert.ok(inside || value === 0);
  }
});

test("a line covers what the brush passes, also with a growing radius", () => {
  const mask = new Mask(100, 40);
  stroke(mask, dab(10, 20, 2), dab(90, 20, 10));
  const column = (/** @type {number} */ x) =>
    Array.from({ length: 40 }, (_, y) => at(mask, x, y) ?? 0).reduce((a, b) => a + b, 0) / 255;
  assert.ok(Math.abs(column(10) - 4) < 1, `${column(10)}`);
  assert.ok(Math.abs(column(50) - 12) < 1, `${column(50)}`);
  assert.ok(column(85) > 17);
});

test("the eraser takes away, and a brush on the border stays inside", () => {
  const mask = new Mask(32, 32);
  mask.fill(255);
  stroke(mask, dab(0, 0, 10), dab(0, 0, 10), true);
  assert.equal(at(mask, 0, 0), 0);
  assert.equal(at(mask, 31, 31), 255);
  assert.equal(at(mask, 31, 0), 255, "no row runs on into the next one");
  assert.equal(mask.line(dab(-50, -50), dab(-40, -40), false), null);
  assert.equal(stroke(mask, dab(500, 500)).changed, false);
});

test("steps are undone and done again; what changes nothing is no step", () => {
  const mask = new Mask(40, 30);
  const states = [mask.bytes.slice()];
  const keep = () => states.push(mask.bytes.slice());
  stroke(mask, dab(10, 10));
  keep();
  stroke(mask, dab(12, 10), dab(30, 20));
  keep();
  assert.equal(mask.invert(), true);
  keep();
  stroke(mask, dab(20, 20), dab(20, 20), true);
  keep();
  assert.equal(mask.fill(255), true);
  keep();
  assert.equal(mask.fill(255), false);
  assert.deepEqual(mask.steps(), { back: 5, forth: 0 });
  for (let i = 4; i >= 0; i--) {
    assert.ok(mask.undo());
    assert.deepEqual(mask.bytes, states[i], `after undo to ${i}`);
  }
  assert.equal(mask.undo(), null);
  for (let i = 1; i <= 5; i++) {
    assert.ok(mask.redo());
    assert.deepEqual(mask.bytes, states[i], `after redo to ${i}`);
  }
  assert.equal(mask.redo(), null);
  mask.undo();
  stroke(mask, dab(5, 5), dab(5, 5), true);
  assert.deepEqual(mask.steps(), { back: 5, forth: 0 }, "a new step forgets the undone one");
});

test("a stroke that is cancelled leaves nothing", () => {
  const mask = new Mask(40, 30);
  stroke(mask, dab(10, 10));
  const before = mask.bytes.slice();
  mask.begin();
  mask.line(dab(10, 10), dab(35, 25), false);
  assert.ok(mask.cancel());
  assert.deepEqual(mask.bytes, before);
  assert.deepEqual(mask.steps(), { back: 1, forth: 0 });
  assert.equal(mask.cancel(), null);
});

test("the history is bounded in steps and in bytes; the latest step is always there", () => {
  const rect = { x: 0, y: 0, width: 10, height: 1 };
  const step = () => ({ rect, bytes: new Uint8Array(10) });
  const few = createHistory({ steps: 3 });
  for (let i = 0; i < 9; i++) few.add(step());
  assert.deepEqual(few.counts(), { back: 3, forth: 0 });
  const small = createHistory({ bytes: 25 });
  for (let i = 0; i < 9; i++) small.add(step());
  assert.equal(small.counts().back, 2);
  const tiny = createHistory({ bytes: 5 });
  tiny.add(step());
  assert.equal(tiny.counts().back, 1);
  const mask = new Mask(20, 20, { steps: 2 });
  for (let i = 0; i < 5; i++) mask.invert();
  assert.deepEqual([!!mask.undo(), !!mask.undo(), !!mask.undo()], [true, true, false]);
});

test("masks are white on black in files, red over the image", () => {
  const mask = new Mask(3, 2);
  mask.replace(Uint8Array.of(0, 255, 128, 0, 0, 7));
  assert.deepEqual(brightness(whiteOnBlack(mask.bytes)), mask.bytes);
  const red = redOver(mask.bytes, 3, { x: 1, y: 0, width: 2, height: 2 });
  assert.equal(red.length, 16);
  assert.ok((red[3] ?? 0) > 150 && (red[0] ?? 0) > 200, "red where it is masked");
  assert.deepEqual([...red.subarray(8, 12)], [0, 0, 0, 0]);
  // The stripes go on from part to part.
  const wide = new Uint8Array(256).fill(255);
  const [all, end] = [0, 100].map((x) =>
    redOver(wide, 256, { x, y: 0, width: 256 - x, height: 1 }),
  );
  assert.deepEqual(end, all?.subarray(400));
  assert.ok(new Set(all?.filter((_, i) => i % 4 === 1)).size === 2, "two reds");
  const rgba = Uint8ClampedArray.of(9, 9, 9, 255, 255, 255, 255, 0, 255, 255, 255, 128);
  assert.deepEqual([...transparency(rgba)], [0, 255, 127]);
  assert.deepEqual([...brightness(rgba)], [9, 0, 128], "what is transparent stays");
  assert.throws(() => mask.replace(new Uint8Array(5)), RangeError);
});

test("the mask of a large image is smaller, in its shape", () => {
  assert.deepEqual(maskSize(768, 512), { width: 768, height: 512 });
  assert.deepEqual(maskSize(8192, 4096), { width: SIDE_MAX, height: SIDE_MAX / 2 });
  assert.deepEqual(maskSize(8000, 1), { width: SIDE_MAX, height: 1 });
  const [a, b] = [
    { x: 1, y: 2, width: 3, height: 4 },
    { x: 0, y: 5, width: 2, height: 3 },
  ];
  assert.deepEqual(union(a, b), { x: 0, y: 2, width: 4, height: 6 });
  assert.equal(union(null, a), a);
});

test("zoom keeps the point under the pointer, and the image fills the stage", () => {
  const [stage, image] = [
    { width: 400, height: 300 },
    { width: 800, height: 200 },
  ];
  const all = fit(stage, image);
  assert.deepEqual(all, { scale: 0.5, x: 0, y: 100 });
  const point = { x: 100, y: 150 };
  const before = toImage(all, point);
  const near = zoomAt(all, 8, point, stage, image);
  const after = toImage(near, point);
  assert.ok(Math.abs(before.x - after.x) < 1e-9 && Math.abs(before.y - after.y) < 1e-9);
  assert.equal(zoomAt(near, 0.001, point, stage, image).scale, all.scale);
  assert.equal(zoomAt(near, 1e9, point, stage, image).scale, 8);
  assert.deepEqual(zoomAt(near, 0.001, point, stage, image), all);
  assert.equal(pan(near, { x: 1e6, y: 1e6 }, stage, image).x, 0);
  const corner = reveal(near, { x: 799, y: 199 }, stage, image);
  const seen = corner.x + corner.scale * 799;
  assert.ok(seen >= 0 && seen <= 400, `${seen}`);
});

test("a stroke that begins within another ends it, and both can be undone", () => {
  const mask = new Mask(64, 64);
  const brush = createBrush(mask, () => {});
  const how = { size: 6, erase: false };
  brush.begin({ x: 8, y: 8 }, how);
  brush.move({ x: 40, y: 8 }, 6);
  // Here nothing is erased: only the stroke before it has changed something.
  brush.begin({ x: 8, y: 50 }, { size: 6, erase: true });
  assert.equal(brush.end(), true);
  assert.equal(at(mask, 30, 8), 255);
  assert.deepEqual(mask.steps(), { back: 1, forth: 0 });
  brush.begin({ x: 8, y: 30 }, how);
  brush.begin({ x: 8, y: 50 }, how);
  assert.equal(brush.cancel(), true, "the one before it stays");
  assert.deepEqual([at(mask, 8, 30), at(mask, 8, 50)], [255, 0]);
  assert.deepEqual(mask.steps(), { back: 2, forth: 0 });
  assert.deepEqual([brush.end(), brush.cancel()], [false, false]);
  mask.undo();
  mask.undo();
  assert.equal(mask.isEmpty(), true);
});

test("a mask is written down as text, and read once", async () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  Object.assign(globalThis, {
    localStorage: {
      getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
      setItem: (/** @type {string} */ name, /** @type {string} */ text) => kept.set(name, text),
      removeItem: (/** @type {string} */ name) => kept.delete(name),
    },
  });
  const { forgetUnsaved, keepUnsaved, readUnsaved } = await import("../../../web/edit/unsaved.js");
  const mask = new Mask(20, 10);
  stroke(mask, dab(4, 4), dab(15, 6));
  keepUnsaved("page-1-2", mask);
  const { width, height, bytes } = mask;
  assert.deepEqual(readUnsaved(), { key: "page-1-2", mask: { width, height, bytes } });
  forgetUnsaved();
  assert.equal(readUnsaved(), null);
  for (const text of ["", "1", "1 2 2 0 3", "1 99999 99999 0 3", "1 2 2 zz"]) {
    kept.set("darkroom.unsaved-mask", text);
    assert.equal(readUnsaved(), null, text);
  }
});
