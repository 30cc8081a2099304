// Other programs' names of samplers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLER_NAMES, SIGMA_NAMES } from "../../../web/files/sampler_names.js";
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

test("each name of the crate's table is here, with the schedule that it says", () => {
  for (const [own, names] of Object.entries(SAMPLER_NAMES)) {
    const { a1111, comfyui, invokeai, diffusers, nearest } = names;
    for (const name of [own, ...a1111, ...comfyui, ...invokeai, ...diffusers])
      assert.deepEqual(samplerFields(name).fields[0], ["sampler", own], name);
    for (const name of nearest) {
      const { fields, offers } = samplerFields(name);
      assert.deepEqual([fields[0]?.[1], offers[0]?.name], ["", own], name);
    }
  }
  for (const [own, { a1111, comfyui, nearest }] of Object.entries(SIGMA_NAMES)) {
    for (const name of [own, ...a1111])
      assert.deepEqual(samplerFields("Euler", name).fields[1], ["sigmas", own], name);
    for (const name of own === "normal" ? [] : comfyui)
      assert.deepEqual(samplerFields("euler", name, "ComfyUI").fields[1], ["sigmas", own], name);
    for (const name of nearest) {
      const { fields, offers } = samplerFields("euler", name, "ComfyUI");
      assert.deepEqual([fields[1]?.[1], offers[0]?.name], ["", own], name);
    }
  }
});

test("what a program calls as it is called here, and computes in another way, is named", () => {
  const said = (/** @type {[string, string, string]} */ ...names) => {
    const { fields, notImported, noise } = samplerFields(...names);
    return [fields[0]?.[1], fields[1]?.[1], [...notImported, ...noise].length];
  };
  assert.deepEqual(said("euler", "beta", "ComfyUI"), ["euler", "beta", 0]);
  assert.deepEqual(said("euler", "beta", "SwarmUI"), ["euler", "", 1]);
  assert.deepEqual(said("Euler", "Beta", "AUTOMATIC1111"), ["euler", "beta", 0]);
  assert.deepEqual(said("Euler", "Align Your Steps", "Forge"), ["euler", "ays", 0]);
  assert.deepEqual(said("euler", "align_your_steps", "SwarmUI"), ["euler", "ays", 0]);
  assert.deepEqual(said("UniPC", "", "AUTOMATIC1111"), ["unipc", "", 0]);
  assert.deepEqual(said("uni_pc_bh2", "normal", "ComfyUI"), ["unipc", "", 0]);
  assert.deepEqual(said("Restart", "Automatic", "AUTOMATIC1111"), ["", "", 1]);
});
