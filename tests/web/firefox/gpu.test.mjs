// The page in Firefox with WebGPU on Mesa's lavapipe. It compiles each kernel for half a second, so
// a file of its own runs beside the one of the other flows.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { FIELDS, drawAndCancel } from "../flows/drawing.mjs";
import { opener } from "../flows/open.mjs";
import { nativePicture, testModels } from "../harness/native.mjs";
import { SITE } from "../harness/site.mjs";

const models = await testModels();
const open = opener({ engine: "firefox" });

test("a small model is opened, draws and is cancelled: webgpu", (t) =>
  drawAndCancel(t, open, { device: "webgpu", models }));

test("f16 activations stay near f32", async (t) => {
  const hash = "#model=models/tiny&device=webgpu&precision=f16";
  const { state, make } = await open(t, { hash, server: { roots: [models, SITE] } });
  await state("ready");
  const half = await make(FIELDS);
  const full = await nativePicture(join(models, "models/tiny"));
  let most = 0;
  let sum = 0;
  for (const [i, value] of half.bytes.entries()) {
    const apart = Math.abs(value - (full.bytes[i] ?? NaN));
    most = Math.max(most, apart);
    sum += apart;
  }
  const mean = sum / half.bytes.length;
  t.diagnostic(`f16 differs from f32 by ${most} of 255 at most, ${mean.toFixed(2)} on average`);
  assert.ok(most > 0, "f16 gave the very numbers of f32: is it f16 at all?");
  assert.ok(mean <= 2, `${mean} of 255 on average`);
});
