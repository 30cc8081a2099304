// ComfyUI's graphs: chains of samplers, prompts along links, nodes of one schedule.

import assert from "node:assert/strict";
import { test } from "node:test";
import { requestOf } from "../../../web/files/request.js";
import { read } from "../harness/told.mjs";

/** @param {Record<string, [string, Record<string, unknown>]>} nodes */
const graph = (nodes) =>
  read({
    prompt: Object.fromEntries(
      Object.entries(nodes).map(([id, [class_type, inputs]]) => [id, { class_type, inputs }]),
    ),
  });

/** @type {Record<string, [string, Record<string, unknown>]>} */
const TEXTS = {
  p: ["CLIPTextEncode", { text: "a fox", clip: ["k", 0] }],
  n: ["CLIPTextEncode", { text: "text", clip: ["k", 0] }],
  l: ["EmptyLatentImage", { width: 512, height: 640 }],
  k: ["CLIPSetLastLayer", { stop_at_clip_layer: -2 }],
};
const SETTINGS = { seed: 11, steps: 22, cfg: 6, sampler_name: "euler", scheduler: "normal" };

test("ComfyUI: chains, custom samplers, named schedules", () => {
  const links = { positive: ["p", 0], negative: ["n", 0], latent_image: ["l", 0] };
  const hires = graph({
    ...TEXTS,
    b: ["KSampler", { ...SETTINGS, ...links, seed: 12, steps: 9, latent_image: ["u", 0] }],
    u: ["LatentUpscale", { samples: ["a", 0], width: 1024, height: 1280 }],
    a: ["KSampler", { ...SETTINGS, ...links }],
  });
  assert.deepEqual(
    [hires["seed"], hires["steps"], hires["width"], hires["height"], hires["clip_skip"]],
    ["11", "22", "512", "640", "2"],
  );
  assert.match(hires.notImported.join(), /second pass \(steps 9/);
  const custom = graph({
    ...TEXTS,
    s: [
      "SamplerCustomAdvanced",
      {
        noise: ["r", 0],
        guider: ["g", 0],
        sampler: ["m", 0],
        sigmas: ["h", 0],
        latent_image: ["l", 0],
      },
    ],
    r: ["RandomNoise", { noise_seed: 99 }],
    g: ["CFGGuider", { cfg: 5.5, positive: ["p", 0], negative: ["n", 0] }],
    m: ["KSamplerSelect", { sampler_name: "heun" }],
    h: ["BasicScheduler", { scheduler: "karras", steps: 17, denoise: 1 }],
  });
  const { seed, steps, guidance_scale, sampler, sigmas } = /** @type {any} */ (custom);
  const told = [seed, steps, guidance_scale, sampler, sigmas];
  assert.deepEqual(told, ["99", "17", "5.5", "heun", "karras"]);
  // The node's name is its schedule.
  for (const [kind, own, lost] of /** @type {const} */ ([
    ["KarrasScheduler", "karras", ""],
    ["ExponentialScheduler", "exponential", ""],
    [
      "PolyexponentialScheduler",
      undefined,
      "noise schedule Polyexponential (the nearest is exponential)",
    ],
  ])) {
    const named = graph({
      ...TEXTS,
      s: [
        "SamplerCustom",
        { cfg: 5, noise_seed: 9, sampler: ["m", 0], sigmas: ["h", 0], ...links },
      ],
      m: ["KSamplerSelect", { sampler_name: "euler" }],
      h: [kind, { steps: 13, rho: 7 }],
    });
    assert.deepEqual(
      [named["steps"], named["sigmas"], named.notImported.join()],
      ["13", own, lost],
    );
  }
});

test("ComfyUI: texts along links, start images, numbers that are none", () => {
  const links = { positive: ["p", 0], negative: ["n", 0], latent_image: ["l", 0] };
  const two = graph({
    ...TEXTS,
    s: [
      "KSampler",
      {
        ...SETTINGS,
        ...links,
        positive: ["c", 0],
        negative: ["z", 0],
        latent_image: ["e", 0],
        denoise: 0.4,
      },
    ],
    c: ["ConditioningCombine", { conditioning_1: ["p", 0], conditioning_2: ["q", 0] }],
    q: ["CLIPTextEncode", { text: ["t", 0] }],
    t: ["StringConcatenate", { string_a: "at", string_b: "night", delimiter: " " }],
    z: ["ConditioningZeroOut", { conditioning: ["p", 0] }],
    e: ["VAEEncode", { pixels: ["i", 0] }],
    i: ["LoadImage", { image: "in.png" }],
  });
  assert.deepEqual(
    [two["prompt"], two["negative_prompt"], two["strength"], two.notImported],
    [
      ...["a fox :0.5 AND at night :0.5", undefined, "0.4"],
      ["the start image, which is not in the file", "ConditioningZeroOut"],
    ],
  );
  const sides = graph({
    ...TEXTS,
    s: ["KSampler", { ...SETTINGS, ...links, positive: ["x", 0], negative: ["x", 1] }],
    x: ["ControlNetApplyAdvanced", { positive: ["p", 0], negative: ["n", 0] }],
  });
  assert.deepEqual([sides["prompt"], sides["negative_prompt"]], ["a fox", "text"]);
  const nan = read({
    prompt: `{"s":{"class_type":"KSampler","inputs":{"positive":"","steps":3,"is_changed":[NaN],
      "seed":18446744073709551615}}}`,
  });
  assert.deepEqual([nan["steps"], nan["seed"]], ["3", "18446744073709551615"]);
  assert.equal(requestOf(new Map([["workflow", "{}"]])), "workflow");
});
