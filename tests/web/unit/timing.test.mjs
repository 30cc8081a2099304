// How long each of several images took: its share of its group's steps, and its own decoding.

import assert from "node:assert/strict";
import test from "node:test";
import { createTiming } from "../../../web/session/timing.js";

/**
 * A clock that a test sets, in milliseconds.
 * @param {import("node:test").TestContext} t
 */
function clock(t) {
  const { now } = performance;
  let time = 0;
  performance.now = () => time;
  t.after(() => (performance.now = now));
  return (/** @type {number} */ to) => void (time = to);
}

/** @param {number} value */
const round = (value) => Number(value.toFixed(3));

test("the images of a group share its steps", (t) => {
  const at = clock(t);
  const timing = createTiming(2);
  at(4000);
  timing.hear({ event: "step", step: 10, steps: 10 });
  timing.hear({ event: "decoding" });
  at(4500);
  const first = timing.next();
  timing.hear({ event: "decoding" });
  at(5250);
  const second = timing.next();
  assert.deepEqual([round(first.seconds), first.first], [2.5, true]);
  assert.deepEqual([round(second.seconds), second.first], [2.75, false]);
});

test("each group has its own steps", (t) => {
  const at = clock(t);
  // Four images in two groups, because the device has memory for two at once: 20 steps in all.
  const timing = createTiming(4);
  at(2000);
  timing.hear({ event: "step", step: 10, steps: 20 });
  timing.hear({ event: "decoding" });
  at(2100);
  const times = [timing.next()];
  timing.hear({ event: "decoding" });
  at(2200);
  times.push(timing.next());
  at(6200);
  timing.hear({ event: "step", step: 20, steps: 20 });
  timing.hear({ event: "decoding" });
  at(6300);
  times.push(timing.next());
  timing.hear({ event: "decoding" });
  at(6400);
  times.push(timing.next());
  assert.deepEqual(
    times.map(({ seconds, first }) => [round(seconds), first]),
    [
      [1.1, true],
      [1.1, false],
      [2.1, true],
      [2.1, false],
    ],
  );
});
