// The page in WebKitGTK: the engine of Safari under the same page, without WebGPU, so that the CPU
// computes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { testFlows } from "../flows/all.mjs";
import { DEMO, FIELDS, drawAndCancel, sameAsNative } from "../flows/drawing.mjs";
import { testModels } from "../harness/native.mjs";
import { open } from "./open.mjs";

const models = await testModels();

test("a small model is opened, draws and is cancelled", (t) =>
  drawAndCancel(t, open, { device: "cpu", models }));

test("the built-in model draws by the CPU, and the page says why", async (t) => {
  const app = await open(t, { hash: "#device=auto", device: "cpu" });
  await app.state("ready");
  const notices = (await app.page.locator("#notices").textContent()) ?? "";
  assert.match(notices, /./);
  t.diagnostic(notices);
  await sameAsNative(t, DEMO, await app.make(FIELDS));
});

testFlows(open, models);
