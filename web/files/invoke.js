// Reads the request of InvokeAI's images: flat JSON since version 3, nested JSON in version 2, the
// command line before that.

import { lossText } from "../strings/losses.js";
import { readCompel } from "./compel.js";
import { writeControls } from "./control_choices.js";
import { controlLosses, controlOf } from "./controls.js";
import { own, parseJson, textOf } from "./json.js";
import { leftOver, listed } from "./left_over.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { readBrackets, webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */
/** @typedef {import("./control_choices.js").ControlChoice} ControlChoice */

/** InvokeAI's names of numbers, and this program's. */
const NUMBERS = /** @type {const} */ ([
  ["steps", "steps"],
  ["cfg_scale", "guidance_scale"],
  ["seed", "seed"],
  ["width", "width"],
  ["height", "height"],
]);

/** Settings that are read by name, or say nothing of the image. */
const READ = [
  ...["positive_prompt", "negative_prompt", "scheduler", "generation_mode", "init_image", "model"],
  ...["clip_skip", "loras", "rand_device", "strength", "vae", "controlnets", "t2iAdapters", "type"],
  ...["cfg_rescale_multiplier", "app_version", "positive_style_prompt", "negative_style_prompt"],
  ...["canvas_v2_metadata", "id", "metadata_version", "_node_type"],
];
const READ_OLD = [
  ...["prompt", "sampler", "type", "strength", "orig_hash", "init_image_path", "mask_image_path"],
  ...["fit", "sampler_name"],
];

/** The noise by the device that made it. */
const DEVICES = new Map([
  ["", "torch"],
  ["cpu", "torch"],
  ["cuda", "philox"],
]);

/** @param {unknown} data @returns {[string, string][]} */
const numbers = (data) => NUMBERS.map(([theirs, ours]) => [ours, textOf(data, theirs)]);

/** A model's name, in the forms of all versions. @param {unknown} model */
const nameOf = (model) => textOf(model, "name") || textOf(model, "model_name");

/**
 * The prompts as fields, and what of them is lost.
 * @param {string} positive
 * @param {string} negative
 */
function prompts(positive, negative) {
  const [words, others] = [readCompel(positive), readCompel(negative)];
  /** @type {[string, string][]} */
  const fields = [
    ["prompt", words.text],
    ["negative_prompt", others.text],
    webUiSyntax(),
    ["long_prompt", "chunks"],
  ];
  return { fields, lost: [...new Set([...words.notImported, ...others.notImported])] };
}

/**
 * Since 3.0.
 * @param {string} text
 * @returns {Found}
 */
export function readInvoke(text) {
  const data = parseJson(text);
  if (own(data, "positive_prompt") === undefined && own(data, "steps") === undefined)
    throw new Error("no request");
  const sampler = samplerFields(textOf(data, "scheduler"), "", "InvokeAI");
  const mode = textOf(data, "generation_mode");
  const hasStartImage = own(data, "init_image") || /img2img|inpaint|outpaint/.test(mode);
  const skipped = Number(textOf(data, "clip_skip"));
  const loras = own(data, "loras");
  const networks = (Array.isArray(loras) ? loras : []).map((lora) => ({
    name: nameOf(own(lora, "model")) || nameOf(own(lora, "lora")),
    weight: textOf(lora, "weight"),
  }));
  const said = prompts(textOf(data, "positive_prompt"), textOf(data, "negative_prompt"));
  const controls = guides(data);
  const device = textOf(data, "rand_device");
  const rescale = textOf(data, "cfg_rescale_multiplier");
  const [model, vae] = [own(data, "model"), own(data, "vae")];
  return {
    fields: [
      ...said.fields,
      ...numbers(data),
      ...sampler.fields,
      ["clip_skip", skipped > 0 ? String(skipped + 1) : ""],
      ["rng", DEVICES.get(device) ?? ""],
      ["strength", hasStartImage ? textOf(data, "strength") : ""],
      ["guidance_rescale", rescale],
      loraField(networks),
      ["controls", writeControls(controls.choices)],
    ],
    offers: sampler.offers,
    madeWith: [
      ...(nameOf(model) ? [{ kind: "model", name: nameOf(model), hash: "" }] : []),
      ...(nameOf(vae) ? [{ kind: "vae", name: nameOf(vae), hash: "" }] : []),
    ],
    notImported: [
      ...said.lost,
      ...sampler.notImported,
      ...sampler.noise,
      ...(DEVICES.has(device) ? [] : [lossText.noise(device)]),
      ...(hasStartImage ? [lossText.startImage()] : []),
      ...(/inpaint|outpaint/.test(mode) ? [lossText.mask()] : []),
      ...controlLosses(controls.lost, controls.choices),
      ...leftOver(data, [...READ, ...NUMBERS.map(([theirs]) => theirs)]),
    ],
  };
}

/** ControlNets and T2I-Adapters. @param {unknown} data */
function guides(data) {
  /** @type {ControlChoice[]} */
  const choices = [];
  /** @type {string[]} */
  const lost = [];
  for (const list of ["controlnets", "t2iAdapters"])
    for (const one of [own(data, list) ?? []].flat().slice(0, 20)) {
      const model = own(one, "control_model") ?? own(one, "t2i_adapter_model");
      const name = nameOf(model);
      const [mode, resize] = [textOf(one, "control_mode"), textOf(one, "resize_mode")];
      const guess = mode === "more_control" || mode === "unbalanced";
      const choice = controlOf({
        ...{ name, guess, weight: textOf(one, "control_weight") || textOf(one, "weight") },
        start: textOf(one, "begin_step_percent"),
        end: textOf(one, "end_step_percent"),
      });
      if (choice) choices.push(choice);
      const settings = {
        "control mode": guess || mode === "balanced" ? "" : mode,
        "resize mode": resize === "just_resize" ? "" : resize,
        weights: Array.isArray(own(one, "control_weight")) ? "of each step" : "",
      };
      const said = Object.entries(settings).flatMap((pair) => (pair[1] ? [pair.join(" ")] : []));
      if (said.length) lost.push(lossText.part(`ControlNet ${name}`, said));
    }
  return { choices, lost };
}

/**
 * Version 2; the negative prompt is in brackets inside the prompt.
 * @param {string} text
 * @returns {Found}
 */
export function readOldInvoke(text) {
  const data = parseJson(text);
  const image = own(data, "image");
  const given = own(image, "prompt");
  const prompt = Array.isArray(given) ? textOf(given[0], "prompt") : textOf(image, "prompt");
  if (!image) throw new Error("no request");
  const sampler = samplerFields(textOf(image, "sampler"), "", "InvokeAI");
  const hasStartImage = textOf(image, "type") === "img2img";
  const parts = readBrackets(prompt);
  const said = prompts(parts.prompt, parts.negative_prompt);
  const model = textOf(data, "model_weights") || textOf(data, "model");
  return {
    fields: [
      ...said.fields,
      ...numbers(image),
      ...sampler.fields,
      ["rng", "torch"],
      ["strength", hasStartImage ? textOf(image, "strength") : ""],
    ],
    offers: sampler.offers,
    madeWith: model ? [{ kind: "model", name: model, hash: textOf(data, "model_hash") }] : [],
    notImported: [
      ...said.lost,
      ...sampler.notImported,
      ...sampler.noise,
      ...(hasStartImage ? [lossText.startImage()] : []),
      ...leftOver(zeroless(image), [...READ_OLD, ...NUMBERS.map(([theirs]) => theirs)]),
    ],
  };
}

/** Without settings that are 0, which is off for those of version 2. @param {object} image */
const zeroless = (image) =>
  Object.fromEntries(Object.entries(image).filter(([, value]) => value !== 0));

/** Options of the command line that are read, and those that say nothing of the image. */
const OPTIONS = ["s", "S", "W", "H", "C", "A", "I", "f"];

/**
 * The command line: `"a cat [blurry]" -s 50 -S42 -W512 -H512 -C7.5 -A k_lms`.
 * @param {string} text
 * @returns {Found}
 */
export function readDream(text) {
  const line = text.trim();
  let end = line.search(/\s-[a-zA-Z]/);
  let prompt = end < 0 ? line : line.slice(0, end);
  if (line.startsWith('"')) {
    end = 1;
    while (end < line.length && line[end] !== '"') end += line[end] === "\\" ? 2 : 1;
    prompt = line.slice(1, end).replaceAll('\\"', '"');
    end += 1;
  }
  /** @type {Map<string, string>} */
  const options = new Map();
  const words = end < 0 ? [] : line.slice(end).trim().split(/\s+/);
  for (const [i, word] of words.entries()) {
    const [, name = "", value = ""] = /^-(-[a-zA-Z][\w-]*|[a-zA-Z])=?(.*)$/.exec(word) ?? [];
    const next = words[i + 1] ?? "";
    if (name) options.set(name, value || (/^-\D/.test(next) ? "" : next));
  }
  const option = (/** @type {string} */ name) => options.get(name) ?? "";
  const sampler = samplerFields(option("A"), "", "InvokeAI");
  const hasStartImage = options.has("I");
  const parts = readBrackets(prompt);
  const said = prompts(parts.prompt, parts.negative_prompt);
  const others = [...options].filter(([name]) => !OPTIONS.includes(name));
  return {
    fields: [
      ...said.fields,
      ["steps", option("s")],
      ["seed", option("S")],
      ["width", option("W")],
      ["height", option("H")],
      ["guidance_scale", option("C")],
      ...sampler.fields,
      ["rng", "torch"],
      ["strength", hasStartImage ? option("f") : ""],
    ],
    offers: sampler.offers,
    notImported: [
      ...said.lost,
      ...sampler.notImported,
      ...sampler.noise,
      ...(hasStartImage ? [lossText.startImage()] : []),
      ...listed(others.map(([name, value]) => [`-${name}`, value])),
    ],
  };
}
