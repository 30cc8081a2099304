// Other programs' names of samplers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { samplerFields } from "../../../web/files/samplers.js";

test("samplers of few steps have these names in other programs", () => {
  // AUTOMATIC1111 and Forge; ComfyUI and InvokeAI; diffusers' classes
  for (const [name, ours] of [
    ["LCM", "lcm"],
    ["TCD", "tcd"],
    ["lcm", "lcm"],
    ["tcd", "tcd"],
    ["LCMScheduler", "lcm"],
    ["TCDScheduler", "tcd"],
  ]) {
    const { fields, notImported } = samplerFields(name ?? "");
    assert.deepEqual([Object.fromEntries(fields)["sampler"], notImported], [ours, []]);
  }
  assert.equal(Object.fromEntries(samplerFields("TCD 2").fields)["sampler"], "");
});
