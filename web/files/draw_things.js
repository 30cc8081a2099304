// Reads the request of Draw Things' images: JSON inside XMP, which is XML; in PNG files also as a
// comment.

import { lossText } from "../strings/losses.js";
import { writeControls } from "./control_choices.js";
import { controlLosses, controlOf } from "./controls.js";
import { fitTo } from "./hires.js";
import { own, parseJson, textOf } from "./json.js";
import { leftOver } from "./left_over.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** Settings that are read by name, or say nothing of the image. */
const READ = [
  ...["c", "uc", "steps", "scale", "seed", "size", "sampler", "model", "strength", "seed_mode"],
  ...["v2", "lora", "control", "clip_skip", "profile", "hires_fix", "first_stage_size"],
  ...["second_stage_strength", "mask_blur", "tiled_decoding", "decoding_tile_width"],
  ...["decoding_tile_height", "decoding_tile_overlap"],
];

/** Its modes of a seed, by the noise that they make. */
const NOISE = new Map([
  ["", ""],
  ["Torch CPU Compatible", "torch"],
  ["NVIDIA GPU Compatible", "philox"],
]);

/**
 * @param {string} text XMP
 * @returns {Found}
 */
export function readDrawThings(text) {
  const start = text.indexOf("UserComment");
  const [open, close] = [text.indexOf("{", start), text.lastIndexOf("}")];
  if (start < 0 || open < 0 || close < open) throw new Error("no request");
  return readDrawThingsJson(unescaped(text.slice(open, close + 1)));
}

/**
 * @param {string} json
 * @returns {Found}
 */
export function readDrawThingsJson(json) {
  const data = parseJson(json);
  const value = (/** @type {string} */ name) => textOf(data, name);
  if (own(data, "c") === undefined) throw new Error("no request");
  const sampler = samplerFields(value("sampler"), "", "Draw Things");
  const size = value("size").split("x").map(Number);
  const hires = secondPass(data, size);
  const [width, height] = hires.size;
  const list = (/** @type {string} */ name) => {
    const found = own(data, name);
    return Array.isArray(found) ? found.slice(0, 50) : [];
  };
  const networks = list("lora").map((lora) => ({
    name: textOf(lora, "model"),
    weight: textOf(lora, "weight"),
  }));
  const controls = list("control").flatMap(
    (one) =>
      controlOf({
        ...{ name: textOf(one, "file"), weight: textOf(one, "weight") },
        start: textOf(one, "guidance_start"),
        end: textOf(one, "guidance_end"),
      }) ?? [],
  );
  const [mode, strength] = [value("seed_mode"), value("strength")];
  const isStart = strength !== "" && Number(strength) < 1;
  return {
    fields: [
      ["prompt", value("c")],
      ["negative_prompt", value("uc")],
      ["steps", value("steps")],
      ["guidance_scale", value("scale")],
      ["seed", value("seed")],
      ["width", width ? String(width) : ""],
      ["height", height ? String(height) : ""],
      ...sampler.fields,
      webUiSyntax(),
      ["clip_skip", value("clip_skip")],
      ["rng", NOISE.get(mode) ?? ""],
      ["strength", isStart ? strength : ""],
      ["mask_blur", isStart ? value("mask_blur") : ""],
      ...hires.fields,
      loraField(networks),
      ["controls", writeControls(controls)],
    ],
    offers: sampler.offers,
    madeWith: value("model") ? [{ kind: "model", name: value("model"), hash: "" }] : [],
    notImported: [
      ...sampler.notImported,
      ...sampler.noise,
      ...(NOISE.has(mode) ? [] : [lossText.noise(mode)]),
      ...(isStart ? [lossText.startImage()] : []),
      ...hires.notImported,
      ...controlLosses([], controls),
      ...leftOver(data, READ),
    ],
  };
}

/**
 * Hires fix: the size is that of the second pass.
 * @param {unknown} data
 * @param {number[]} size
 * @returns {{ size: number[], fields: [string, string][], notImported: string[] }}
 */
function secondPass(data, size) {
  const first = textOf(data, "first_stage_size").split("x").map(Number);
  const isOne = textOf(data, "hires_fix") === "true" && first.length === 2 && size.length === 2;
  const { scale, notImported } = isOne ? fitTo(first, size) : { scale: 0, notImported: [] };
  if (!(scale > 1)) return { size: size.filter(Number), fields: [], notImported: [] };
  return {
    size: first,
    fields: [
      ["hires_scale", String(scale)],
      ["hires_strength", textOf(data, "second_stage_strength")],
    ],
    notImported,
  };
}

/** @type {Map<string, string>} */
const ENTITIES = new Map([
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&amp;", "&"],
]);

/** @param {string} xml */
function unescaped(xml) {
  return xml.replace(/&(?:quot|apos|lt|gt|amp|#x?[\da-fA-F]{1,6});/g, (entity) => {
    const hex = /^&#x/.test(entity);
    const code = parseInt(entity.slice(hex ? 3 : 2), hex ? 16 : 10);
    const letter = code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    return ENTITIES.get(entity) ?? letter;
  });
}
