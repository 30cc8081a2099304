// What other programs' texts and this program's records say of a second pass and of ControlNets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "../harness/told.mjs";

/** @param {string} settings @param {string} [prompt] */
const infotext = (settings, prompt = "a fox") =>
  read({ parameters: `${prompt}\nNegative prompt: text\nSteps: 20, ${settings}, Seed: 5` });

test("a second pass and ControlNets of the web UI fill in the form", () => {
  const settings =
    "Sampler: Euler, Size: 64x96, Denoising strength: 0.45, Hires upscale: 1.5, Hires steps: 9, " +
    "Hires upscaler: Latent (bicubic)";
  const two = infotext(settings);
  assert.deepEqual(
    [two["hires_scale"], two["hires_steps"], two["hires_upscaler"], two["hires_strength"]],
    ["1.5", "9", "latent (bicubic)", "0.45"],
  );
  assert.deepEqual([two["strength"], two["upscaler"], two.notImported], [undefined, undefined, []]);
  const file = infotext("Sampler: Euler, Hires upscale: 2, Hires upscaler: R-ESRGAN 4x+");
  assert.deepEqual([file["hires_upscaler"], file["upscaler"]], ["file", "RealESRGAN_x4plus"]);
  const other = infotext("Sampler: Euler, Hires upscale: 2, Hires upscaler: 4x-UltraSharp");
  assert.deepEqual([other["hires_upscaler"], other["upscaler"]], ["file", "4x-UltraSharp"]);
  const resized = infotext("Sampler: Euler, Size: 64x96, Hires resize: 128x192");
  assert.deepEqual([resized["hires_scale"], resized["hires_upscaler"]], ["2", "latent"]);
  // A start image's strength stays one.
  const start = infotext("Sampler: Euler, Denoising strength: 0.45");
  assert.deepEqual([start["strength"], start["hires_strength"]], ["0.45", undefined]);

  const unit = "Module: canny, Model: control_v11p_sd15_canny [d14c016b], Weight: 0.8, ";
  const more = "Resize Mode: Just Resize, Guidance Start: 0.1, Guidance End: 0.9, ";
  const mode = "Control Mode: ControlNet is more important";
  const pose = '"Module: openpose_full, Model: control_v11p_sd15_openpose [cab727d4], Weight: 1"';
  const all = `Sampler: Euler, ControlNet 0: "${unit}${more}${mode}", ControlNet 1: ${pose}`;
  const guided = infotext(all);
  assert.deepEqual(JSON.parse(guided["controls"]), [
    {
      ...{ name: "control_v11p_sd15_canny", hash: "", image: "", weight: "0.8" },
      ...{ start: "0.1", end: "0.9", guess: true, preprocess: "canny", drawn: false },
    },
  ]);
  assert.equal(guided.notImported.length, 2);
  assert.match(guided.notImported.join(), /openpose.*the pictures of ControlNets/);
});

test("this program's record of ControlNets chooses them again, without their pictures", () => {
  const sha256 = "0123456789ab".padEnd(64, "0");
  const record = {
    ...{ kind: "ControlNet", name: "canny", sha256, weight: 0.5, start: 0, end: 0.5 },
    ...{ guess: false, preprocess: "invert" },
  };
  const own = read({
    darkroom: JSON.stringify({ prompt: "a fox", steps: 3 }),
    "darkroom-controls": JSON.stringify([record]),
  });
  assert.deepEqual(JSON.parse(own["controls"]), [
    {
      ...{ name: "canny", hash: "0123456789ab", image: "", weight: "0.5", start: "0", end: "0.5" },
      ...{ guess: false, preprocess: "invert", drawn: false },
    },
  ]);
  assert.deepEqual(own.notImported, ["the pictures of ControlNets, which are not in the file"]);
});

test("this program's record names the upscaler between two passes", () => {
  const request = { prompt: "a fox", hires_scale: 2, hires_upscaler: "file" };
  const upscaler = (/** @type {string} */ json) =>
    read({ darkroom: JSON.stringify(request), "darkroom-upscaler": json })["upscaler"];
  const sha256 = "0123456789abcdef".repeat(4);
  assert.equal(upscaler(JSON.stringify({ name: "4x big", sha256 })), "4x big#0123456789ab");
  assert.equal(upscaler(JSON.stringify({ name: "4x big", sha256: "no" })), "4x big");
  for (const json of ["", "{", "[]", "null", "{}", '{"name": 3}'])
    assert.equal(upscaler(json), undefined, json);
});
