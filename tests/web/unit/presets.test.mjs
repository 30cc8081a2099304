// Files of presets: what is read, and what is told of others.

import assert from "node:assert/strict";
import test from "node:test";
import { freeName, readPresets } from "../../../web/presets/presets.js";

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
