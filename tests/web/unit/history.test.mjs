// The history of prompts: its bounds, and what is never remembered.

import assert from "node:assert/strict";
import test from "node:test";
import * as history from "../../../web/prompt/history.js";

const { PROMPTS_MAX, addPrompt, findPrompts, keepPrompts, listPrompts, storePrompts } = history;

/**
 * A storage for one test.
 * @param {import("node:test").TestContext} t
 */
function storage(t) {
  /** @type {Map<string, string>} */
  const stored = new Map();
  const localStorage = {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ own) => void stored.set(key, own),
    removeItem: (/** @type {string} */ key) => void stored.delete(key),
  };
  Object.assign(globalThis, { localStorage });
  t.after(() => Reflect.deleteProperty(globalThis, "localStorage"));
  return stored;
}

test("the latest hundred are kept, each once, the latest first", (t) => {
  storage(t);
  for (let i = 0; i < PROMPTS_MAX + 20; i++) addPrompt({ prompt: `cat ${i}`, negative: "" });
  addPrompt({ prompt: "cat 50", negative: "" });
  addPrompt({ prompt: "cat 50", negative: "blur" });
  const all = listPrompts();
  assert.equal(all.length, PROMPTS_MAX);
  assert.deepEqual(all[0], { prompt: "cat 50", negative: "blur" });
  assert.deepEqual(all[1], { prompt: "cat 50", negative: "" });
  assert.equal(all.filter(({ prompt }) => prompt === "cat 50").length, 2);
  assert.equal(all.at(-1)?.prompt, "cat 21");
});

test("all together are bounded too, negative prompts as well; the oldest go", (t) => {
  const stored = storage(t);
  for (let i = 0; i < PROMPTS_MAX; i++)
    addPrompt({ prompt: `cat ${i}`, negative: "x".repeat(4900) });
  const all = listPrompts();
  assert.ok(all.length > 50 && all.length < PROMPTS_MAX, `${all.length}`);
  assert.equal(all[0]?.prompt, `cat ${PROMPTS_MAX - 1}`);
  assert.ok((stored.get("darkroom.prompts") ?? "").length < 350_000);
  // A text of a book is no prompt to be remembered.
  addPrompt({ prompt: "y".repeat(5001), negative: "" });
  addPrompt({ prompt: "a dog", negative: "y".repeat(5001) });
  addPrompt({ prompt: "  ", negative: "blur" });
  assert.deepEqual(listPrompts(), all);
});

test("switched off, none is added, and those that are there stay", (t) => {
  storage(t);
  addPrompt({ prompt: "a cat", negative: "" });
  keepPrompts(false);
  addPrompt({ prompt: "a dog", negative: "" });
  assert.deepEqual(
    listPrompts().map(({ prompt }) => prompt),
    ["a cat"],
  );
  keepPrompts(true);
  addPrompt({ prompt: "a dog", negative: "grey" });
  assert.deepEqual(
    findPrompts(listPrompts(), "DOG grey").map(({ prompt }) => prompt),
    ["a dog"],
  );
  storePrompts([]);
  assert.deepEqual(listPrompts(), []);
});

test("what another program wrote there is no history", (t) => {
  const stored = storage(t);
  for (const text of ["{", "null", "5", '[1, null, {"prompt": 3}]']) {
    stored.set("darkroom.prompts", text);
    assert.deepEqual(listPrompts(), [], text);
  }
  stored.set("darkroom.prompts", '[{"prompt": "a cat"}]');
  assert.deepEqual(listPrompts(), [{ prompt: "a cat", negative: "" }]);
});
