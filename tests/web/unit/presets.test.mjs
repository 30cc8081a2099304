// Files of presets: what is read, and what is told of others.

import assert from "node:assert/strict";
import test from "node:test";
import { freeName, readPresets, storePresets } from "../../../web/presets/presets.js";

test("presets are read with the names that other programs have for fields", () => {
  const json = JSON.stringify({
    presets: [
      { name: "b", fields: { steps: 30, karras: true, cfg_scale: "5" } },
      { name: " a ", fields: { style: "mine", loras: "", colour: "red", shape: 1 } },
      { name: "", fields: { steps: 1 } },
      { name: "c", fields: { nothing: 1 } },
      "d",
    ],
  });
  const { presets, unknown } = readPresets(json);
  assert.deepEqual(
    presets.map(({ name }) => name),
    ["a", "b"],
  );
  assert.deepEqual(presets[0]?.fields, { style: "mine", loras: "" });
  assert.equal(presets[1]?.fields["steps"], "30");
  assert.deepEqual(unknown.sort(), ["colour", "nothing", "shape"]);
});

test("what is no file of presets is told by what is wrong with it", () => {
  assert.throws(() => readPresets("{"), /no JSON/);
  assert.throws(() => readPresets('{"a": 1}'), /no list/);
  assert.throws(() => readPresets("null"), /no list/);
  assert.throws(() => readPresets("[1, null]"), /none of its entries/);
  assert.throws(() => readPresets(`"${"a".repeat(1_000_001)}"`), /too large/);
});

test("an imported preset takes a name that is free", () => {
  const two = ["a", "a (2)"].map((name) => ({ name, fields: {} }));
  assert.equal(freeName("a", two), "a (3)");
  assert.equal(freeName("b", two), "b");
});

test("values that no image can be made with are left out and named", () => {
  const fields = { steps: "1e9", sampler: "x", guidance_scale: "7.5", seed: "-4" };
  const { presets, wrong } = readPresets(JSON.stringify([{ name: "a", fields }]));
  assert.deepEqual(presets[0]?.fields, { guidance_scale: "7.5" });
  assert.equal(wrong.length, 3);
  assert.match(wrong.join(), /1e9/);
});

test("what is not stored is a fault", (t) => {
  const preset = { name: "a", fields: { prompt: "a cat" } };
  assert.throws(() => storePresets([preset]), /does not store it/);
  const setItem = () => {};
  Object.assign(globalThis, { localStorage: { setItem } });
  t.after(() => Reflect.deleteProperty(globalThis, "localStorage"));
  storePresets([preset]);
  const long = { name: "b", fields: { prompt: "a".repeat(1_000_000) } };
  assert.throws(() => storePresets([long]), /together are too large/);
});
