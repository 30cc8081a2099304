// The page's state and what it tells of changes; events.

import assert from "node:assert/strict";
import test from "node:test";
import { createEvents } from "../../../web/state/events.js";
import { createPage, isIdle } from "../../../web/state/page.js";
import { createState } from "../../../web/state/state.js";

test("a listener hears of its own values, once they are others", () => {
  const state = createState({ phase: "loading", step: 0 });
  /** @type {string[]} */
  const heard = [];
  const end = state.subscribe(["phase"], (now, before) => {
    heard.push(`${before.phase} ${now.phase} ${now.step}`);
  });
  state.set({ step: 1 });
  state.set({ phase: "loading" });
  state.set({ phase: "ready", step: 2 });
  assert.deepEqual(heard, ["loading ready 2"]);
  assert.deepEqual(state.get(), { phase: "ready", step: 2 });
  end();
  state.set({ phase: "error" });
  assert.equal(heard.length, 1);
});

test("what is known is changed by set alone", () => {
  const state = createState({ phase: "loading" });
  assert.throws(() => Object.assign(state.get(), { phase: "ready" }), TypeError);
});

test("a change that a listener makes is heard by all, the later one last", () => {
  const state = createState({ a: 0, b: 0 });
  state.subscribe(["a"], ({ a }) => state.set({ b: a }));
  /** @type {number[]} */
  const heard = [];
  state.subscribe(["b"], ({ b }) => heard.push(b));
  state.set({ a: 1 });
  state.set({ a: 2 });
  assert.deepEqual(heard, [1, 2]);
  assert.deepEqual(state.get(), { a: 2, b: 2 });
});

test("events come in order, to those who still listen", () => {
  /** @type {import("../../../web/state/events.js").Events<{ step: number, end: null }>} */
  const events = createEvents();
  /** @type {unknown[]} */
  const heard = [];
  const end = events.on("step", (step) => {
    heard.push(["first", step]);
    end();
  });
  events.on("step", (step) => heard.push(["second", step]));
  events.emit("step", 1);
  events.emit("end", null);
  events.emit("step", 2);
  assert.deepEqual(heard, [
    ["first", 1],
    ["second", 1],
    ["second", 2],
  ]);
});

test("settings come from what the browser keeps, and go there", (t) => {
  const kept = new Map([
    ["darkroom.preview-every", "5"],
    ["darkroom.offline-lock", "yes"],
  ]);
  /** @type {any} */ (globalThis).localStorage = {
    getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => kept.set(name, value),
    removeItem: (/** @type {string} */ name) => kept.delete(name),
  };
  t.after(() => Reflect.deleteProperty(globalThis, "localStorage"));
  const page = createPage();
  const { previewEvery, offlineLock, notify, galleryBound } = page.get();
  assert.deepEqual([previewEvery, offlineLock, notify, galleryBound], [5, true, false, 1e9]);
  page.set({ previewEvery: 0, offlineLock: false, notify: true, galleryBound: 5e8 });
  page.set({ queueRuns: true });
  assert.deepEqual(Object.fromEntries(kept), {
    "darkroom.preview-every": "0",
    "darkroom.notify": "yes",
    "darkroom.gallery-bound": "500000000",
    "darkroom.queue-runs": "yes",
  });
});

test("where the browser keeps nothing the page has its defaults", () => {
  const page = createPage();
  assert.equal(page.get().galleryBound, 1e9);
  assert.equal(isIdle(page), false);
  page.set({ phase: "error", notify: true });
  assert.equal(isIdle(page), true);
});
