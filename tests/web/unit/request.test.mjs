// From fields as typed to requests: seeds, counts, numbers, styles, links.

import assert from "node:assert/strict";
import test from "node:test";
import {
  DEFAULTS,
  changedFields,
  fieldName,
  variedFields,
  withoutSecondPass,
  withoutStartImage,
} from "../../../web/request/defaults.js";
import { fieldsOf, present } from "../../../web/files/fields.js";
import { embeddingsIn, noteEmbeddings } from "../../../web/store/addons.js";
import { fastSettings } from "../../../web/request/few_steps.js";
import {
  readLink,
  readLoras,
  taggedIn,
  writeLink,
  writeLoras,
  writtenIn,
} from "../../../web/files/loras.js";
import { readSteps, startImagesIn } from "../../../web/request/draft.js";
import { readingOf, requestOf } from "../../../web/request/fields.js";
import { isChosen, laterSeed, randomSeed, seedRuns } from "../../../web/request/seed.js";
import { applyStyle, keepStyles, keptStyles } from "../../../web/request/styles.js";

const LAST = "18446744073709551615";

test("a random seed has 64 bits, and another each time", () => {
  const seeds = Array.from({ length: 50 }, randomSeed);
  assert.equal(new Set(seeds).size, 50);
  for (const seed of seeds) assert.ok(BigInt(seed) < 2n ** 64n);
  assert.ok(seeds.some((seed) => BigInt(seed) >= 2n ** 53n));
});

test("nothing and −1 are no chosen seed", () => {
  for (const typed of [undefined, "", "  ", "-1", " -1 "]) assert.equal(isChosen(typed), false);
  for (const typed of ["0", "-2", "7", LAST]) assert.equal(isChosen(typed), true);
});

test("later pictures have later seeds, and 0 comes after the last one", () => {
  assert.equal(laterSeed("7", 3), "10");
  assert.equal(laterSeed(LAST, 1), "0");
  assert.equal(laterSeed("9007199254740993", 2), "9007199254740995");
  // Judged by the engine, as it was typed.
  assert.equal(laterSeed("7.5", 0), "7.5");
  assert.equal(laterSeed("x", 1), "x");
});

test("a run that would pass the last seed is two", () => {
  assert.deepEqual(seedRuns("5", 4), [{ seed: "5", count: 4 }]);
  assert.deepEqual(seedRuns(LAST, 1), [{ seed: LAST, count: 1 }]);
  assert.deepEqual(seedRuns(LAST, 3), [
    { seed: LAST, count: 1 },
    { seed: "0", count: 2 },
  ]);
  assert.deepEqual(seedRuns("x", 3), [{ seed: "x", count: 3 }]);
});

test("the form's own fields make a request of the engine's types", () => {
  const fields = {
    ...Object.fromEntries(DEFAULTS),
    seed: " 7 ",
    guidance_scale: "7,5",
    sigmas: "karras",
  };
  const { request, count, startImage } = requestOf(fields);
  assert.deepEqual([count, startImage], [1, undefined]);
  assert.deepEqual(request, {
    prompt: DEFAULTS.get("prompt"),
    negative_prompt: "",
    steps: 20,
    guidance_scale: 7.5,
    width: null,
    height: null,
    tile_overlap: null,
    hires_scale: null,
    hires_steps: null,
    hires_upscaler: "latent",
    hires_strength: 0.7,
    sampler: "ddim",
    eta: null,
    timesteps: null,
    rng: "torch",
    as_in: "diffusers",
    spacing: null,
    clip_skip: 1,
    long_prompt: "truncate",
    prompt_syntax: "plain",
    clean: false,
    guidance_interval: [0, 1],
    cache_interval: 1,
    token_merging_ratio: 0,
    strength: 0.8,
    mask_blur: 4,
    masked_content: "original",
    padding_mask_crop: null,
    image_guidance_scale: null,
    seed: "7",
    sigmas: "karras",
    final_sigmas: null,
    rescale_betas_zero_snr: null,
    guidance_rescale: 0,
    freeu: null,
  });
});

test("what is no number goes to the engine as it was typed", () => {
  const { request } = requestOf({ prompt: "12", steps: "many", width: "64px", new_field: "[1]" });
  assert.equal(request.prompt, "12");
  assert.equal(request.steps, "many");
  assert.equal(request.width, "64px");
  assert.deepEqual(/** @type {any} */ (request).new_field, [1]);
  assert.match(request.seed, /^\d+$/);
});

test("a count that is none is a fault of its field", () => {
  for (const count of ["0", "-1", "1.5", "101", "two"])
    assert.throws(() => requestOf({ prompt: "", count }), { kind: "request", field: "count" });
  assert.equal(requestOf({ prompt: "", count: " " }).count, 1);
  assert.equal(requestOf({ prompt: "", count: "100", initial: "3" }).startImage, "3");
});

test("a start image comes without a second pass", () => {
  const hires = {
    hires_scale: "2",
    hires_upscaler: "file",
    hires_steps: "3",
    upscaler: "x#01234567",
  };
  const fields = { prompt: "a fox", steps: "2", ...hires };
  assert.deepEqual(withoutSecondPass(fields), { prompt: "a fox", steps: "2" });
  const all = Object.entries({ ...fields, seed: "7", strength: "0.5", mask_blur: "8" });
  assert.deepEqual(variedFields(all), [
    ["prompt", "a fox"],
    ["steps", "2"],
  ]);
});

test("a mask belongs to a start image; without one it is left out", () => {
  const masked = requestOf({ prompt: "", initial: "3", mask: "4", padding_mask_crop: "32" });
  assert.deepEqual([masked.startImage, masked.mask], ["3", "4"]);
  assert.equal(masked.request.padding_mask_crop, 32);
  assert.equal("mask" in masked.request, false);
  assert.equal(requestOf({ prompt: "", mask: "4" }).mask, undefined);
});

test("the start images of before are read from a draft; what is none is left out", () => {
  const steps = [{ initial: "3", mask: "4" }, { initial: "5" }, { mask: "6" }, null];
  assert.deepEqual(readSteps(JSON.stringify(steps)), [
    { initial: "3", mask: "4" },
    { initial: "5", mask: "" },
  ]);
  for (const text of ["", "{", "7", '"a"']) assert.deepEqual(readSteps(text), []);
  const controls = JSON.stringify([{ name: "canny", image: "8" }]);
  const startImage = { initial: "1", mask: "2", steps: JSON.stringify(steps), controls };
  const used = startImagesIn({ fields: [], startImage });
  assert.deepEqual(used, ["1", "2", "3", "4", "5", "", "8"]);
  assert.deepEqual(startImagesIn(null), ["", ""]);
});

test("controls and the upscaler of a second pass are beside the request", () => {
  const list = [{ name: "canny", hash: "0123456789ab", image: "8", weight: 0.5, guess: true }];
  const controls = JSON.stringify(list);
  const wanted = requestOf({ prompt: "", controls, upscaler: "big#0123abcd" });
  const rest = { start: "0", end: "1", preprocess: "none", drawn: false };
  assert.deepEqual(wanted.controls, [{ ...list[0], ...rest, weight: "0.5" }]);
  assert.deepEqual([wanted.upscaler, "upscaler" in wanted.request], [undefined, false]);
  const file = requestOf({ prompt: "", hires_upscaler: "file", upscaler: "big#0123abcd" });
  assert.deepEqual(file.upscaler, { name: "big", hash: "0123abcd" });
  for (const text of ["", "{", "7", '{"a":1}'])
    assert.deepEqual(requestOf({ prompt: "", controls: text }).controls, []);
});

test("how prompts are read is a part of the fields", () => {
  const reading = readingOf({
    prompt: "a",
    long_prompt: "chunks",
    prompt_syntax: "a1111",
    steps: "3",
  });
  assert.deepEqual(reading, { long_prompt: "chunks", prompt_syntax: "a1111" });
});

test("fields of earlier versions have their present names", () => {
  assert.deepEqual(fieldsOf({ prompt_weights: true, steps: 3 }), [
    ["prompt_syntax", "a1111"],
    ["steps", "3"],
  ]);
  assert.deepEqual(present(["prompt_weights", "false"]), ["prompt_syntax", "plain"]);
  assert.deepEqual(present(["prompt_syntax", "a1111"]), ["prompt_syntax", "a1111"]);
});

test("a link names what differs from the defaults, and no start image's strength", () => {
  const link = changedFields({
    prompt: "a cat",
    negative_prompt: "",
    seed: "7",
    steps: 20,
    guidance_scale: 4,
    guidance_interval: [0, 1],
    sigmas: null,
    strength: 0.5,
    mask_blur: 9,
    padding_mask_crop: 32,
    width: 64,
  });
  assert.deepEqual(Object.fromEntries(link), {
    prompt: "a cat",
    seed: "7",
    guidance_scale: "4",
    width: "64",
  });
});

test("a link to another model's image names what that model may have values of", () => {
  const request = { prompt: "a cat", seed: "7", sampler: "ddim", steps: 20, guidance_scale: 7.5 };
  assert.deepEqual(Object.fromEntries(changedFields(request, true)), {
    ...{ prompt: "a cat", seed: "7", sampler: "ddim", steps: "20", guidance_scale: "7.5" },
  });
});

test("old names of fields in links are known", () => {
  assert.equal(fieldName("negative"), "negative_prompt");
  assert.equal(fieldName("guidance"), "guidance_scale");
  assert.equal(fieldName("initial picture"), "initial-file", "as the engine calls it");
  assert.equal(fieldName("steps"), "steps");
});

test("a style's words go with the prompt", () => {
  const style = { name: "ink", prompt: "ink drawing of {prompt}", negative: "colour" };
  assert.deepEqual(applyStyle(style, "a $& cat", "blur"), [
    "ink drawing of a $& cat",
    "blur, colour",
  ]);
  assert.deepEqual(applyStyle({ ...style, prompt: "ink" }, "a cat", ""), ["a cat, ink", "colour"]);
  assert.deepEqual(applyStyle(undefined, "a cat", "blur"), ["a cat", "blur"]);
});

test("styles are stored as every version of the page has stored them", (t) => {
  const stored = new Map([["darkroom.styles", '[{"name":"ink","prompt":"ink","avoid":"colour"}]']]);
  const storage = {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => stored.set(key, value),
  };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "localStorage"));
  const [ink] = keptStyles();
  assert.deepEqual(ink, { name: "ink", prompt: "ink", negative: "colour" });
  keepStyles([{ name: "oil", prompt: "oil", negative: "photo" }, ...keptStyles()]);
  assert.deepEqual(JSON.parse(stored.get("darkroom.styles") ?? ""), [
    { name: "ink", prompt: "ink", avoid: "colour" },
    { name: "oil", prompt: "oil", avoid: "photo" },
  ]);
});

test("LoRAs are text that reads back, whatever their names", () => {
  const choice = (/** @type {string} */ name, weight = 1, textWeight = weight, hash = "") => ({
    name,
    hash,
    weight,
    textWeight,
  });
  assert.deepEqual(readLoras("style"), [choice("style")]);
  assert.deepEqual(readLoras(" style:0.5 , hands#0123ABcd:1:0,"), [
    choice("style", 0.5),
    choice("hands", 1, 0, "0123abcd"),
  ]);
  const odd = [choice("a, b: 100% #1", -0.3, 0, "0123456789ab"), choice("模型", 2)];
  assert.deepEqual(readLoras(writeLoras(odd)), odd);
  assert.deepEqual(readLoras(""), []);
  for (const text of ["style:", "style:x", ":0.5", "style:1:2:3", "style:NaN", "a#zz:1"])
    assert.throws(() => readLoras(text), { kind: "request", field: "loras" }, text);
  assert.deepEqual(requestOf({ prompt: "a", loras: "style:0.5" }).loras, [choice("style", 0.5)]);
  assert.equal(Object.hasOwn(requestOf({ prompt: "a", loras: "style" }).request, "loras"), false);
});

test("the LoRAs of an image's file are read back, and those of a prompt are named", () => {
  const sha256 = "0123456789abcdef".repeat(4);
  const record = { name: "style", weight: 0.8, text_encoder_weight: 0, sha256 };
  assert.equal(writtenIn(JSON.stringify([record])), "style#0123456789ab:0.8:0");
  assert.equal(writtenIn(JSON.stringify([{ name: "a", weight: 1 }, { name: 3 }, null])), "a:1");
  assert.equal(writtenIn(undefined), "");
  for (const broken of ["{}", "[", "null"]) assert.equal(writtenIn(broken), "");
  assert.deepEqual(taggedIn("a <lora:x:0.8> <lyco: y > <hypernet:z> <lora:>"), [
    { name: "x", weight: "0.8" },
    { name: "y", weight: "" },
  ]);
});

test("a LoRA for few steps is known by its published names", () => {
  /** @type {[string, string, string, string][]} */
  const published = [
    ["pytorch_lora_weights_lcm", "lcm", "4", "1"],
    ["lcm-lora-sdv1-5", "lcm", "4", "1"],
    ["Hyper-SD15-1step-lora", "tcd", "1", "1"],
    ["Hyper-SD15-4steps-lora", "ddim", "4", "1"],
    ["Hyper-SD15-8steps-CFG-lora", "ddim", "8", "5"],
    ["TCD-SD15-LoRA", "tcd", "4", "1"],
  ];
  for (const [name, sampler, steps, guidance_scale] of published) {
    const { spacing, eta, timesteps, ...rest } = fastSettings(name) ?? {};
    assert.deepEqual(rest, { sampler, steps, guidance_scale, sigmas: "" }, name);
    assert.equal(spacing, sampler === "ddim" ? "trailing" : "");
    assert.equal(eta, steps === "1" ? "1" : "");
    assert.equal(timesteps, steps === "1" ? "800" : "");
  }
  for (const name of ["style", "welcome", "hypernova 4 steps", "falcmatcdx"])
    assert.equal(fastSettings(name), null, name);
});

test("a published LoRA for few steps is known by its file, whatever it is called", () => {
  const hyper = fastSettings("mine", "a04fd9a535c1e56d");
  assert.deepEqual([hyper?.sampler, hyper?.steps, hyper?.timesteps], ["tcd", "1", "800"]);
  assert.equal(fastSettings("pytorch_lora_weights", "8f90d840e075ff58")?.sampler, "lcm");
  assert.equal(fastSettings("Hyper-SD15-1step-lora", "c5dd05861646")?.steps, "4");
  assert.equal(fastSettings("mine", "a04f"), null, "too few digits");
  assert.equal(fastSettings("mine", "0123456789ab"), null);
});

test("textual inversions are found by their words, between other characters", (t) => {
  const storage = new Map();
  const stub = {
    getItem: (/** @type {string} */ key) => storage.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => storage.set(key, value),
    removeItem: (/** @type {string} */ key) => storage.delete(key),
  };
  const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
  Object.defineProperty(globalThis, "localStorage", { value: stub, configurable: true });
  t.after(() => before && Object.defineProperty(globalThis, "localStorage", before));
  const model = (/** @type {string} */ id, /** @type {string} */ path, words = [""]) => ({
    complete: "now",
    manifest: { id, kind: "embedding", files: [{ path }], words: words.filter(Boolean) },
  });
  noteEmbeddings(
    /** @type {any} */ ([
      model("a", "bad-hands.pt"),
      model("b", "art (v1.5)+{x}.pt"),
      model("c", "learned.bin", ["<cat-toy>"]),
      model("d", "Bad-Hands.safetensors"),
    ]),
  );
  const found = (/** @type {string} */ text) => embeddingsIn(["", text]);
  assert.deepEqual(found("a hand, BAD-hands"), ["stored:a"]);
  assert.deepEqual(found("bad-handsome"), []);
  assert.deepEqual(found("an art (v1.5)+{x}, x"), ["stored:b"]);
  assert.deepEqual(found("my<CAT-toy>s"), ["stored:c"]);
  assert.deepEqual(found("art"), []);
  noteEmbeddings([]);
  assert.deepEqual(found("bad-hands"), []);
});

test("fields without a start image have neither its mask nor its settings", () => {
  const start = { initial: "1", mask: "2", strength: "0.6", mask_blur: "4", controls: "[]" };
  const more = { masked_content: "noise", padding_mask_crop: "32" };
  const others = { prompt: "a fox", steps: "3", loras: "style:0.5" };
  assert.deepEqual(withoutStartImage({ ...others, ...start, ...more }), others);
});

test("a link names a LoRA by its address, with one weight or two", () => {
  const far = "https://example.com:8443/a%20b/My%20style.safetensors?download=true";
  for (const [text, name, weights, from] of /** @type {const} */ ([
    ["style", "style", [1, 1], ""],
    ["style:0.5", "style", [0.5, 0.5], ""],
    ["addons/style/:0.4", "style", [0.4, 0.4], "addons/style/"],
    ["addons/style/manifest.json", "style", [1, 1], "addons/style/manifest.json"],
    [`${far}:-1`, "My style", [-1, -1], far],
    [`${far}:0.8:0`, "My style", [0.8, 0], far],
  ])) {
    const [weight, textWeight] = weights;
    const read = readLink(text);
    assert.deepEqual(read, { name, hash: "", weight, textWeight, from }, text);
    if (from) assert.deepEqual(readLink(writeLink(from, read)), read, text);
  }
});
