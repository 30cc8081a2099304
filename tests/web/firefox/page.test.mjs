// The page in Firefox: another engine under the same page. What is not about WebGPU computes on the
// CPU.

import assert from "node:assert/strict";
import { test } from "node:test";
import { testFlows } from "../flows/all.mjs";
import { DEMO, FIELDS, drawAndCancel, sameAsNative } from "../flows/drawing.mjs";
import { opener } from "../flows/open.mjs";
import { testModels } from "../harness/native.mjs";

const models = await testModels();
const open = opener({ engine: "firefox" });

test("a small model is opened, draws and is cancelled: cpu", (t) =>
  drawAndCancel(t, open, { device: "cpu", models }));

test("the built-in model draws by the CPU, which stands in for a software adapter", async (t) => {
  const app = await open(t, { hash: "#device=auto", device: "cpu" });
  await app.state("ready");
  const notices = (await app.page.locator("#notices").textContent()) ?? "";
  assert.match(notices, /only a software adapter/);
  await sameAsNative(t, DEMO, await app.make(FIELDS));
});

testFlows(open, models);
