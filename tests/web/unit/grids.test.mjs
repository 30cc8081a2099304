// Values of axes and seeds as typed, the cells of grids, and prompt matrices.

import assert from "node:assert/strict";
import test from "node:test";
import { axisKinds } from "../../../web/batch/axes.js";
import { gridOf, matrixOf, matrixParts } from "../../../web/batch/cells.js";
import { readNumbers, readSeeds, splitValues } from "../../../web/batch/values.js";

/** Texts, each with its whole numbers. @type {[string, string][]} */
const WHOLE = [
  ["1, 2,5", "1 2 5"],
  ["1-5", "1 2 3 4 5"],
  ["1-10 (+2)", "1 3 5 7 9"],
  ["10-1 (-3)", "10 7 4 1"],
  ["5-3", "5 4 3"],
  ["1-10 [5]", "1 3 5 7 10"],
  ["20, 30-32, 7", "20 30 31 32 7"],
  ["-2-1", "-2 -1 0 1"],
  ["3-3", "3"],
  ["4-9 [1]", "4"],
  ["", ""],
];
/** And with its numbers. @type {[string, string][]} */
const NUMBERS = [
  ["5, 7.5", "5 7.5"],
  ["0-1 (+0.25)", "0 0.25 0.5 0.75 1"],
  ["0-0.3 (+0.1)", "0 0.1 0.2 0.3"],
  ["1-3", "1 2 3"],
  ["0-1 [6]", "0 0.2 0.4 0.6 0.8 1"],
  ["1-0 (-0.5)", "1 0.5 0"],
];

test("numbers are read as AUTOMATIC1111's script reads them", () => {
  for (const [typed, expected] of WHOLE)
    assert.equal(readNumbers(typed, { whole: true }).join(" "), expected, typed);
  for (const [typed, expected] of NUMBERS)
    assert.equal(readNumbers(typed).join(" "), expected, typed);
});

test("what is no number is told", () => {
  const whole = (/** @type {string} */ typed) => () => readNumbers(typed, { whole: true });
  assert.throws(whole("1, two"), /“two” is no number/);
  assert.throws(whole("1.5"), /“1.5” is no number/);
  assert.throws(whole("1-2 (+0.5)"), /not whole/);
  assert.throws(whole("1-5 (-1)"), /has no values/);
  assert.throws(whole("1-5 (+0)"), /has no values/);
  assert.throws(whole("1-1000000000"), /more than 1,000/);
  assert.throws(whole("1-2 [100000000]"), /more than 1,000/);
  assert.throws(() => readNumbers("0-1 (+0.0000001)"), /more than 1,000/);
});

test("seeds have all their digits", () => {
  assert.deepEqual(readSeeds("1-3, 42\n7"), ["1", "2", "3", "42", "7"]);
  assert.deepEqual(readSeeds("18446744073709551614-18446744073709551615"), [
    "18446744073709551614",
    "18446744073709551615",
  ]);
  assert.deepEqual(readSeeds("10-20 (+5)"), ["10", "15", "20"]);
  assert.throws(() => readSeeds("18446744073709551616"), /no seed/);
  assert.throws(() => readSeeds("-1"), /no seed/);
  assert.throws(() => readSeeds("5-1"), /has no values/);
  assert.throws(() => readSeeds("0-18446744073709551615"), /more than 1,000/);
});

test("texts stand between commas, or in quotes", () => {
  assert.deepEqual(splitValues('a, "b, ""c""" ,, d e'), ["a", 'b, "c"', "d e"]);
  assert.deepEqual(splitValues(""), []);
  assert.deepEqual(splitValues('5" wide, x'), ['5" wide', "x"]);
});

const FORM = {
  ...{ prompt: "a cat by day", negative_prompt: "dark cat", seed: "7", steps: "20", count: "4" },
  loras: "ink#0123456789ab:1, line:0.5:0",
};
/**
 * @param {Record<string, string>} typed by the names of axes
 * @param {Record<string, string>} fields
 */
function grid(typed, fields = FORM) {
  const kinds = axisKinds(fields, ["ddim", "euler"]);
  const axes = Object.entries(typed).map(([id, values]) => {
    const kind = kinds.find((one) => one.id === id);
    assert.ok(kind, id);
    return { kind, values: kind.read(values, fields) };
  });
  return gridOf(fields, axes);
}

test("a grid has a cell for each value of each axis, x first", () => {
  const { scales, cells } = grid({ steps: "10-20 (+5)", sampler: "ddim, euler", seed: "1,2" });
  assert.deepEqual(
    cells.map(({ steps, sampler, seed }) => `${steps} ${sampler} ${seed}`),
    ["1", "2"].flatMap((seed) =>
      ["ddim", "euler"].flatMap((sampler) =>
        ["10", "15", "20"].map((steps) => `${steps} ${sampler} ${seed}`),
      ),
    ),
  );
  assert.deepEqual(scales, [
    { label: "Steps", values: ["10", "15", "20"] },
    { label: "Sampler", values: ["DDIM", "Euler"] },
    { label: "Seed", values: ["1", "2"] },
  ]);
  assert.ok(cells.every(({ count }) => count === "1"));
});

test("one axis is enough, and a random seed is one for all cells", () => {
  const { scales, cells } = grid({ guidance_scale: "1-3" }, { ...FORM, seed: "" });
  assert.equal(new Set(cells.map(({ seed }) => seed)).size, 1);
  assert.match(cells[0]?.["seed"] ?? "", /^\d+$/);
  assert.deepEqual(scales.slice(1), [
    { label: "", values: [""] },
    { label: "", values: [""] },
  ]);
});

test("a text of the prompts is searched and replaced", () => {
  const { cells } = grid({ replace: 'cat, dog, "owl, $&"' });
  assert.deepEqual(
    cells.map(({ prompt, negative_prompt }) => `${prompt} / ${negative_prompt}`),
    ["a cat by day / dark cat", "a dog by day / dark dog", "a owl, $& by day / dark owl, $&"],
  );
  assert.throws(() => grid({ replace: "horse, dog" }), /“horse” is in neither prompt/);
});

test("a LoRA's weight is an axis", () => {
  const { scales, cells } = grid({ "lora 1": "0, 0.5-1 (+0.5)" });
  assert.equal(scales[0].label, "LoRA weight: line");
  assert.deepEqual(
    cells.map(({ loras }) => loras),
    ["0", "0.5", "1"].map((weight) => `ink#0123456789ab:1, line:${weight}`),
  );
});

test("parts of the prompt change places", () => {
  const fields = { ...FORM, prompt: "a cat, (by day, red:1.2), in oil" };
  const prompts = (/** @type {string} */ typed) => {
    const { scales, cells } = grid({ order: typed }, fields);
    return [scales[0].values, cells.map(({ prompt }) => prompt)];
  };
  // As AUTOMATIC1111's axis: what is between the parts stays.
  const [labels, made] = prompts("in oil, cat");
  assert.deepEqual(labels, ["in oil, cat", "cat, in oil"]);
  assert.deepEqual(made, ["a in oil, (by day, red:1.2), cat", fields.prompt]);
  // All parts between the prompt's own commas.
  const [, all = []] = prompts("");
  assert.equal(new Set(all).size, 6);
  assert.equal(all[0], fields.prompt);
  assert.ok(all.includes("in oil, (by day, red:1.2), a cat"), String(all));
  // A part inside another one is found where it stands alone.
  const nested = grid({ order: "cat, a cat" }, { ...FORM, prompt: "a cat and cat" });
  assert.deepEqual(
    nested.cells.map(({ prompt }) => prompt),
    ["cat and a cat", "a cat and cat"],
  );
  assert.throws(() => prompts("horse, cat"), /“horse” is not in the prompt/);
  assert.throws(() => prompts("cat, a cat"), /“cat” is not in the prompt, or only inside another/);
  const many = { ...FORM, prompt: "a, b, c, d, e, f, g" };
  // Whichever axis comes first, the parts are those of the prompt as it was typed.
  const day = { ...FORM, prompt: "a cat, by day" };
  const both = ["a cat, by day", "by day, a cat", "a dog, by day", "by day, a dog"];
  const promptsOf = (/** @type {Record<string, string>} */ axes) =>
    grid(axes, day).cells.map(({ prompt }) => prompt?.trim().replace(/ ,/, ","));
  assert.deepEqual(promptsOf({ order: "", replace: "cat, dog" }), both);
  assert.deepEqual(promptsOf({ replace: "cat, dog", order: "" }).sort(), [...both].sort());
  assert.throws(() => grid({ order: "" }, many), /7 parts have too many orders/);
  assert.throws(() => grid({ order: "" }, { ...FORM, prompt: "" }), /at least one value/);
});

test("stored styles are an axis, beside the form's own words", (t) => {
  assert.ok(!axisKinds(FORM, []).some(({ id }) => id === "style"));
  const styles = JSON.stringify([
    { name: "ink, black", prompt: "ink drawing of {prompt}", avoid: "colour" },
    { name: "oil", prompt: "oil painting", avoid: "" },
  ]);
  Object.assign(globalThis, { localStorage: { getItem: () => styles } });
  t.after(() => Reflect.deleteProperty(globalThis, "localStorage"));
  const kind = axisKinds(FORM, []).find(({ id }) => id === "style");
  assert.ok(kind);
  assert.deepEqual(kind.names, ["", "ink, black", "oil"]);
  const { scales, cells } = gridOf(FORM, [{ kind, values: kind.names ?? [] }]);
  assert.deepEqual(scales[0], { label: "Style", values: ["none", "ink, black", "oil"] });
  assert.deepEqual(
    cells.map(({ prompt, negative_prompt }) => `${prompt} / ${negative_prompt}`),
    [
      "a cat by day / dark cat",
      "ink drawing of a cat by day / dark cat, colour",
      "a cat by day, oil painting / dark cat",
    ],
  );
});

test("weight and steps of a ControlNet are axes", () => {
  const fields = { ...FORM, controls: '[{"name":"canny","image":"4","weight":"1"}]' };
  const { scales, cells } = grid(
    { "control 0 weight": "0.5, 1", "control 0 end": "0-1 [3]" },
    fields,
  );
  assert.deepEqual(scales[0], { label: "Control weight: canny", values: ["0.5", "1"] });
  assert.deepEqual(
    cells
      .map(({ controls }) => JSON.parse(controls ?? "")[0])
      .map((it) => `${it.weight} ${it.end}`),
    ["0.5 0", "1 0", "0.5 0.5", "1 0.5", "0.5 1", "1 1"],
  );
  assert.equal(JSON.parse(cells[0]?.["controls"] ?? "")[0].image, "4");
  assert.throws(() => grid({ "control 0 start": "2" }, fields), /2 is not from 0 to 1/);
});

test("every field of the table can be an axis, but those that nothing is there for", () => {
  const ids = (/** @type {Record<string, string>} */ fields) =>
    axisKinds(fields, ["ddim"]).map(({ id }) => id);
  assert.ok(!ids({}).includes("strength"));
  for (const id of ["strength", "rng", "clip_skip", "width", "hires_scale", "replace"])
    assert.ok(ids({ initial: "1" }).includes(id), id);
  const rng = axisKinds({}, []).find(({ id }) => id === "rng");
  assert.deepEqual(rng?.names, ["torch", "numpy", "philox"]);
});

test("what a grid cannot be is told before anything runs", () => {
  assert.throws(() => grid({ steps: "" }), /Steps: give at least one value/);
  assert.throws(() => grid({ steps: "0" }), /Steps: 0 is not from 1 to 1000/);
  assert.throws(() => grid({ steps: "1-100", seed: "1-100" }), /10,000 images. .* at most 1,000/);
  const [steps] = axisKinds(FORM, []).filter(({ id }) => id === "steps");
  assert.ok(steps);
  const axis = { kind: steps, values: ["1"] };
  assert.throws(() => gridOf(FORM, [axis, axis]), /Two axes are Steps/);
});

test("a prompt matrix has each choice of the optional parts", () => {
  const how = { separator: ", ", before: false };
  const { scales, cells } = matrixOf(FORM, "a photo| at night |by the sea|", how);
  assert.deepEqual(
    cells.map(({ prompt }) => prompt),
    [...["a photo", "a photo, at night", "a photo, by the sea"], "a photo, at night, by the sea"],
  );
  assert.deepEqual(scales[0].values, ["—", "at night"]);
  assert.deepEqual(scales[1].values, ["—", "by the sea"]);
  const { cells: before } = matrixOf(FORM, "a|b|c|d", { separator: " ", before: true });
  assert.equal(before.length, 8);
  assert.equal(before.at(-1)?.["prompt"], "b c d a");
  assert.throws(() => matrixOf(FORM, "a photo", how), /optional parts by \|/);
  assert.throws(() => matrixOf(FORM, "a|b".repeat(10), how), /1,024 images/);
});

test("braces and escaped bars of a prompt matrix stay together", () => {
  assert.deepEqual(matrixParts("a {b|c} d|e \\| f|{g|{h|i}}"), {
    always: "a {b|c} d",
    parts: ["e | f", "{g|{h|i}}"],
  });
});
