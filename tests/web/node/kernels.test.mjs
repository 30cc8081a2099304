// Every kernel in every specialisation, by Tint, the compiler of Chromium, in Dawn: parsed,
// resolved and validated. The Rust tests (which ask naga, Firefox's) have left the texts in
// target/tmp.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { globals } from "webgpu";
import { openGpu } from "./adapter.mjs";

const ROOT = join(import.meta.dirname, "../../..");
const FILE = join(process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target"), "tmp/kernels.json");

/** Fewer would mean that the list is not whole. */
const COUNT_MIN = 100;

/** @typedef {{ name: string, wgsl: string, f16: boolean }} Kernel */

Object.assign(globalThis, globals);

/**
 * What Tint says against a text.
 * @param {any} device
 * @param {string} code
 */
async function complaints(device, code) {
  device.pushErrorScope("validation");
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  const error = await device.popErrorScope();
  const of = (/** @type {any} */ { type, lineNum, message }) =>
    `${type}, line ${lineNum}: ${message}`;
  return [...messages.map(of), ...(error && !messages.length ? [error.message] : [])];
}

test("every specialisation compiles in Tint, without a warning", async (t) => {
  const text = await readFile(FILE, "utf8").catch(() => {
    throw new Error("Run the Rust tests first: they write the kernels to target/tmp.");
  });
  /** @type {Kernel[]} */
  const kernels = JSON.parse(text);
  assert.ok(kernels.length >= COUNT_MIN, `only ${kernels.length} kernels`);
  const gpu = await openGpu();
  const adapter = await gpu.requestAdapter();
  if (!adapter?.features.has("shader-f16")) throw new Error("The adapter has no shader-f16.");
  const plain = await adapter.requestDevice();
  const second = await gpu.requestAdapter();
  const half = await second?.requestDevice({ requiredFeatures: ["shader-f16"] });
  /** @type {string[]} */
  const bad = [];
  for (const { name, wgsl, f16 } of kernels) {
    // A kernel for f32 must need no feature.
    const told = await complaints(f16 ? half : plain, wgsl);
    if (told.length) bad.push(`${name}: ${told.join("; ")}\n${wgsl.split("\n", 1)[0]}`);
  }
  assert.deepEqual(bad, []);
  const wrong = "@compute @workgroup_size(1) fn main() { let x: u32 = 1.5; }";
  assert.ok((await complaints(plain, wrong)).length > 0, "Tint sees what is wrong");
  const needs = kernels.find(({ f16 }) => f16);
  assert.ok((await complaints(plain, needs?.wgsl ?? "")).length > 0, "f16 needs its feature");
  t.diagnostic(`${kernels.length} specialisations`);
});
