// LoRAs in the files of other programs and in our own, as the field of the form.

import assert from "node:assert/strict";
import test from "node:test";
import { requestOf } from "../../../web/files/request.js";

/**
 * @param {Record<string, unknown>} texts by keyword; what is no text becomes JSON
 * @returns {Record<string, unknown>}
 */
function read(texts) {
  const all = Object.entries(texts).map(([keyword, text]) => {
    return /** @type {const} */ ([keyword, typeof text === "string" ? text : JSON.stringify(text)]);
  });
  const found = requestOf(new Map(all));
  assert.ok(found && typeof found === "object", JSON.stringify(texts));
  const { notImported, hashes } = found;
  return { ...Object.fromEntries(found.fields), notImported, hashes };
}

/** @param {Record<string, [string, Record<string, unknown>]>} nodes */
const graph = (nodes) =>
  read({
    prompt: Object.fromEntries(
      Object.entries(nodes).map(([id, [class_type, inputs]]) => [id, { class_type, inputs }]),
    ),
  });

/** @param {[string, Record<string, unknown>][]} loaders nodes of ComfyUI */
function lorasOf(...loaders) {
  const texts = { positive: ["x", 0], negative: ["x", 0], model: ["l0", 0] };
  const nodes = loaders.map((node, index) => /** @type {const} */ ([`l${index}`, node]));
  return graph({
    x: ["CLIPTextEncode", { text: "a fox" }],
    s: ["KSampler", { seed: 11, steps: 22, ...texts }],
    ...Object.fromEntries(nodes),
  })["loras"];
}

test("ComfyUI's stacks of LoRAs are read as their nodes have them", () => {
  const [a, b] = [{ lora_name: "a.safetensors", strength_model: 0.5, strength_clip: 0.25 }, "b"];
  const chain = [
    ["LoraLoader", { ...a, model: ["l1", 0] }],
    ["LoraLoaderModelOnly", { lora_name: b, strength_model: 2 }],
  ];
  assert.equal(lorasOf(.../** @type {any} */ (chain)), "a:0.5:0.25, b:2:0");
  const power = {
    PowerLoraLoaderHeaderWidget: { type: "PowerLoraLoaderHeaderWidget" },
    lora_1: { on: true, lora: "sub/a.safetensors", strength: 0.75, strengthTwo: null },
    lora_2: { on: false, lora: "off.safetensors", strength: 1 },
    lora_3: { on: true, lora: "b.safetensors", strength: 0.5, strengthTwo: 0.1 },
    "➕ Add Lora": "",
  };
  assert.equal(lorasOf(["Power Lora Loader (rgthree)", power]), "a:0.75, b:0.5:0.1");
  const rgthree = { lora_01: "a.safetensors", strength_01: 0.5, lora_02: "None", strength_02: 1 };
  assert.equal(lorasOf(["Lora Loader Stack (rgthree)", rgthree]), "a:0.5");
  const comfyroll = {
    ...{ switch_1: "On", lora_name_1: "a", model_weight_1: 1, clip_weight_1: 0.5 },
    ...{ switch_2: "Off", lora_name_2: "b", model_weight_2: 1, clip_weight_2: 1 },
    ...{ switch_3: "On", lora_name_3: "None", model_weight_3: 1, clip_weight_3: 1 },
  };
  assert.equal(lorasOf(["CR LoRA Stack", comfyroll]), "a:1:0.5");
  const stacker = {
    ...{ input_mode: "simple", lora_count: 2 },
    ...{ lora_name_1: "a", lora_wt_1: 0.5, model_str_1: 9, clip_str_1: 9 },
    ...{ lora_name_2: "b", lora_wt_2: 0.25, model_str_2: 9, clip_str_2: 9 },
    ...{ lora_name_3: "beyond", lora_wt_3: 1, model_str_3: 1, clip_str_3: 1 },
  };
  assert.equal(lorasOf(["LoRA Stacker", stacker]), "a:0.5, b:0.25");
  const advanced = { ...stacker, input_mode: "advanced", lora_count: 1, model_str_1: 0.7 };
  assert.equal(lorasOf(["LoRA Stacker", advanced]), "a:0.7:9");
});

test("the LoRAs of Fooocus and of Easy Diffusion are read", () => {
  const fooocus = {
    prompt: "a fox",
    steps: 3,
    loras: [
      ["paint", 0.5, "0123456789"],
      ["x", 1],
    ],
  };
  assert.equal(read({ parameters: fooocus })["loras"], "paint#0123456789:0.5, x:1");
  const older = { Prompt: "a fox", Steps: 3, "LoRA 1": "paint : 0.25", "LoRA 2": "None : 1" };
  assert.equal(read({ parameters: older })["loras"], "paint:0.25");
  const combined = { prompt: "a fox", steps: 3, lora_combined_1: "paint.safetensors : -0.5" };
  assert.equal(read({ parameters: combined })["loras"], "paint:-0.5");
  const theirs = 'a fox\nSteps: 3, Seed: 1, Size: 8x8, Lora hashes: "paint: 0123456789", ';
  const scheme = read({ parameters: `${theirs}Lora weights: "paint: 0.5", Version: Fooocus v2.5` });
  assert.equal(scheme["loras"], "paint#0123456789:0.5");
  const easy = { prompt: "a fox", num_inference_steps: "9", seed: "1" };
  const one = read({ ...easy, use_lora_model: "sub/paint", lora_alpha: "0.4" });
  assert.equal(one["loras"], "paint:0.4");
  const two = read({ ...easy, use_lora_model: "['paint', 'x']", lora_alpha: "[0.4, 1]" });
  assert.equal(two["loras"], "paint:0.4, x:1");
  assert.equal(read({ ...easy, use_lora_model: "None" })["loras"], undefined);
});

test("hashes are those of all writers, by names as lists have them", () => {
  const line = "a <lora:paint, v2:0.8>\nSteps: 3, Sampler: DDIM, Seed: 1, Size: 8x8";
  const hashes = (/** @type {string} */ more) => {
    const { loras, embeddings } = /** @type {any} */ (read({ parameters: `${line}, ${more}` }))[
      "hashes"
    ];
    return [Object.fromEntries(loras), Object.fromEntries(embeddings)];
  };
  assert.deepEqual(
    hashes('Lora hashes: "paint v2: 0123456789AB, x: tiny", TI hashes: "bad-hands: 00112233"'),
    [{ "paint v2": "0123456789ab" }, { "bad-hands": "00112233" }],
  );
  const civitai =
    '{"model": "aabbccdd00", "lora:paint, v2": "11223344aa", "embed:neg": "99887766"}';
  assert.deepEqual(hashes(`Hashes: ${civitai}, Version: v1.9`), [
    { "paint v2": "11223344aa" },
    { neg: "99887766" },
  ]);
  assert.deepEqual(hashes("Hashes: {not json}, Version: v1.9"), [{}, {}]);
  const sha256 = "ab".repeat(32);
  const ours = read({
    darkroom: { prompt: "a <teal> fox" },
    "darkroom-embeddings": [{ name: "teal", token: "<teal>", vectors: 1, sha256 }],
  });
  assert.deepEqual([.../** @type {any} */ (ours["hashes"]).embeddings], [["<teal>", sha256]]);
  const comfy = graph({
    x: ["CLIPTextEncode", { text: "a (embedding:sub/teal.pt:1.2) fox, embedding:neg" }],
    s: ["KSampler", { seed: 1, steps: 2, positive: ["x", 0], negative: ["x", 0] }],
  });
  assert.equal(comfy["prompt"], "a (teal:1.2) fox, neg");
});

test("the LoRAs of other programs are those of the form, with their weights", () => {
  const loader = { lora_name: "sub/paint, v2.safetensors", strength_model: 0.7, strength_clip: 0 };
  const texts = { positive: ["x", 0], negative: ["x", 0], model: ["l", 0] };
  const comfy = graph({
    x: ["CLIPTextEncode", { text: "a fox" }],
    l: ["LoraLoader", loader],
    s: ["KSampler", { seed: 11, steps: 22, ...texts }],
  });
  assert.deepEqual([comfy["loras"], comfy["notImported"]], ["paint%2C v2:0.7:0", []]);
  const metadata = { positive_prompt: "a fox", steps: 3 };
  const loras = [{ model: { name: "paint" }, weight: 0.75 }, { lora: { model_name: "x" } }];
  const invoke = read({ invokeai_metadata: { ...metadata, loras } });
  assert.deepEqual([invoke["loras"], invoke["notImported"]], ["paint:0.75, x:1", []]);
  const params = { prompt: "a fox", loras: ["a/paint"], loraweights: ["0.5"] };
  const swarm = read({ parameters: { sui_image_params: params } });
  assert.equal(swarm["loras"], "paint:0.5");
  const record = [{ name: "paint", weight: 0.5, text_encoder_weight: 0.5, sha256: "a".repeat(64) }];
  const ours = read({ darkroom: { prompt: "a fox" }, "darkroom-loras": record });
  assert.equal(ours["loras"], `paint#${"a".repeat(12)}:0.5`);
});
