// Comparing checkpoints: what is written down of each, and what ends a comparison.

import assert from "node:assert/strict";
import test from "node:test";
import { compare, toCsv, toJson } from "../../../web/compare.js";

/** @typedef {import("../../../web/compare.js").Comparison} Comparison */

const REQUEST = { prompt: "a cat", seed: "1" };
const PNG = new Uint8Array([1]);

/** @returns {Comparison} */
const twoModels = () => ({
  columns: [
    { name: "one", address: "models/one" },
    { name: "two", address: "models/two" },
  ],
  rows: [{ request: REQUEST, cells: [] }],
});

/**
 * An engine that holds more memory for the second model.
 * @param {Record<string, string>} faults kinds of faults by the address of the model that draws
 */
function engineOf(faults = {}) {
  let model = "";
  const engine = {
    open: async (/** @type {string} */ address) => void (model = address),
    async generate() {
      const kind = faults[model];
      if (kind) throw Object.assign(new Error(`a fault: ${kind}`), { kind });
      return { png: PNG };
    },
    memory: async () => (model.endsWith("two") ? 2e6 : 1e6),
    likeness: async () => ({ psnr: 30, ssim: 0.5, most: 9 }),
    score: async () => 25,
  };
  return /** @type {import("../../../web/engine/client.js").Engine} */ (
    /** @type {unknown} */ (engine)
  );
}

/**
 * @param {Comparison} comparison
 * @param {Record<string, string>} [faults]
 */
const run = (comparison, faults) =>
  compare(engineOf(faults), comparison, { options: {}, judge: "models/clip" }, {}, () => {});

test("memory, likeness and score of each model are written down", async () => {
  const comparison = twoModels();
  await run(comparison);
  const { columns, rows } = JSON.parse(toJson(comparison));
  assert.deepEqual(
    columns.map((/** @type {{ memory_bytes: number }} */ one) => one.memory_bytes),
    [1e6, 2e6],
  );
  assert.equal(rows[0].cells[1].psnr, 30);
  const [head = "", , second = ""] = toCsv(comparison).split("\n");
  const cells = second.split(",");
  const cell = (/** @type {string} */ name) => cells[head.split(",").indexOf(name)];
  assert.deepEqual(["memory_mb", "psnr_db", "ssim", "clip_score"].map(cell), [
    "2.0",
    "30.00",
    "0.5000",
    "25.00",
  ]);
});

test("a request that a model cannot draw is a fact about it", async () => {
  const comparison = twoModels();
  await run(comparison, { "models/one": "request" });
  const [row] = comparison.rows;
  assert.equal(row?.cells[0]?.fault, "a fault: request");
  assert.equal(row?.cells[1]?.png, PNG);
});

test("any other fault ends the comparison", async () => {
  const comparison = twoModels();
  await assert.rejects(run(comparison, { "models/two": "device_lost" }), /device_lost/);
  assert.equal(comparison.rows[0]?.cells[0]?.png, PNG, "what was made stays");
});
