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
  return { ...Object.fromEntries(found.fields), notImported: found.notImported };
}

/** @param {Record<string, [string, Record<string, unknown>]>} nodes */
const graph = (nodes) =>
  read({
    prompt: Object.fromEntries(
      Object.entries(nodes).map(([id, [class_type, inputs]]) => [id, { class_type, inputs }]),
    ),
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
