// Reads the request of SwarmUI's images: JSON, and the tags of its prompts, such as
// `<fromto[0.5]:a,b>`, `<alternate:a,b>`, `<break>`, `<segment:face>`.

import { lossText } from "../strings/losses.js";
import { writeControls } from "./control_choices.js";
import { controlLosses, controlOf } from "./controls.js";
import { noHashes, plainName } from "./hashes.js";
import { upscalerNamed } from "./hires.js";
import { own, parseJson, textOf } from "./json.js";
import { leftOver } from "./left_over.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { hasWeights, plainWords, readWebUi, webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** Settings that are read by name, or say nothing of the image. */
const READ = [
  ...["prompt", "negativeprompt", "steps", "cfgscale", "seed", "width", "height", "sampler"],
  ...["scheduler", "initimage", "initimagecreativity", "loras", "loraweights", "loratencweights"],
  ...["model", "vae", "clipstopatlayer", "maskimage", "images", "aspectratio", "sidelength"],
  ...["swarm_version", "date", "generation_time", "original_prompt", "original_negativeprompt"],
  ...["automaticvae", "batchsize", "donotsave", "nopreviews", "imageformat", "personalnote"],
  ...["unused_parameters", "colordepth", "wildcardseed", "resolution", "loraSectionConfinement"],
  ...["variationseedstrength", "presets", "used_wildcards", "used_embeddings", "noseedincrement"],
];

/** The names of its ControlNets' settings have these after the first word. */
const UNITS = ["", "two", "three"];

/** Tags after which a prompt is for another part of the image, or for another model. */
const SECTIONS = /<(?:segment|object|region|refiner|video|videoswap|extend)[:>[][^]*$/;

/**
 * @param {string} text
 * @returns {Found}
 */
export function readSwarm(text) {
  const whole = parseJson(text);
  const data = own(whole, "sui_image_params");
  if (typeof data !== "object" || data === null) throw new Error("no request");
  const value = (/** @type {string} */ name) => textOf(data, name);
  const said = ["prompt", "negativeprompt"].map((name) => readTags(value(name)));
  const [words, negative] = said;
  const sampler = samplerFields(value("sampler"), value("scheduler"), "SwarmUI");
  const creativity = own(data, "initimage") ? value("initimagecreativity") : "";
  const skip = value("clipstopatlayer");
  const second = secondPass(data);
  const controls = controlsIn(data);
  const called = said.flatMap(({ embeddings }) => embeddings);
  const freeu = freeuIn(value);
  return {
    fields: [
      ["prompt", words?.text ?? ""],
      ["negative_prompt", negative?.text ?? ""],
      ["steps", value("steps")],
      ["guidance_scale", value("cfgscale")],
      ["seed", value("seed")],
      ["width", value("width")],
      ["height", value("height")],
      ...sampler.fields,
      ["clip_skip", /^-\d+$/.test(skip) ? skip.slice(1) : ""],
      ["long_prompt", "chunks"],
      webUiSyntax(),
      ["rng", "torch"],
      ["strength", creativity],
      ...second.fields,
      ...freeu.fields,
      loraField(networksIn(whole, data)),
      ["controls", writeControls(controls.choices)],
    ],
    hashes: { ...noHashes(), embeddings: new Map(called.map((name) => [plainName(name), ""])) },
    offers: sampler.offers,
    madeWith: ["model", "vae"].flatMap((kind) => {
      const name = value(kind).replace(/\.safetensors$/, "");
      return name && !/^(automatic|none)$/i.test(name) ? [{ kind, name, hash: "" }] : [];
    }),
    notImported: [
      ...new Set(said.flatMap(({ notImported }) => notImported)),
      ...sampler.notImported,
      ...sampler.noise,
      ...(creativity ? [lossText.startImage()] : []),
      ...(own(data, "maskimage") ? [lossText.mask()] : []),
      ...second.notImported,
      ...freeu.notImported,
      ...controlLosses([], controls.choices),
      ...leftOver(data, [...READ, ...second.read, ...controls.read, ...freeu.read]),
    ],
  };
}

/**
 * @param {string} prompt
 * @returns {{ text: string, notImported: string[], embeddings: string[] }}
 */
function readTags(prompt) {
  const [lost, embeddings] = /** @type {[string[], string[]]} */ ([[], []]);
  const [whole, ...cut] = splitSections(plainWords(prompt));
  lost.push(...cut);
  const text = whole.replace(
    /<([a-z]+)(?:\[([^\][<>]*)\])?(?::([^<>]*))?>/g,
    (tag, name, by, body = "") => {
      if (name === "lora" || name === "lyco" || name === "hypernet") return tag;
      if (name === "break") return "BREAK";
      if (name === "comment" || name === "trigger") return "";
      if (name === "embed" || name === "embedding") {
        const word = body.replace(/^.*\//, "").replace(/\.(safetensors|pt|bin)$/i, "");
        embeddings.push(word);
        return word;
      }
      const parts = body.split(/\|\||[|,]/).map((/** @type {string} */ part) => part.trim());
      if (name === "alternate" || name === "alt") return `[${parts.join("|")}]`;
      if (name === "fromto" && parts.length === 2) return `[${parts.join(":")}:${by}]`;
      lost.push(lossText.syntax(tag));
      // One of several is the first, as nothing says which it was.
      return name === "random" ? (parts[0] ?? "") : "";
    },
  );
  const read = readWebUi(text);
  const weights = hasWeights(read.text) ? [lossText.weights("SwarmUI")] : [];
  return { text: read.text, notImported: [...lost, ...read.notImported, ...weights], embeddings };
}

/** The prompt of the whole image, and what is cut off, as it is listed. @param {string} prompt */
function splitSections(prompt) {
  const rest = SECTIONS.exec(prompt)?.[0] ?? "";
  const whole = prompt.slice(0, prompt.length - rest.length).trim();
  return /** @type {[string, ...string[]]} */ (rest ? [whole, lossText.syntax(rest)] : [whole]);
}

/** Its LoRAs, with the hashes of their tensors. @param {unknown} whole @param {object} data */
function networksIn(whole, data) {
  const list = (/** @type {string} */ name) => {
    const value = own(data, name);
    return (typeof value === "string" ? value.split(",") : [value ?? []].flat()).map(String);
  };
  const models = [own(whole, "sui_models") ?? []].flat();
  const hashOf = (/** @type {string} */ name) => {
    const found = models.find((one) => textOf(one, "name").replace(/\.safetensors$/, "") === name);
    const [, hash = ""] = /^0x([0-9a-f]{64})$/.exec(textOf(found, "hash")) ?? [];
    return hash;
  };
  const [weights, encoders] = [list("loraweights"), list("loratencweights")];
  return list("loras").map((name, index) => ({
    name,
    weight: weights[index] ?? "",
    hash: hashOf(name.replace(/\.safetensors$/, "")),
    ...(encoders[index] && { textWeight: encoders[index] }),
  }));
}

/**
 * A refiner that is the same model and enlarges is a second pass.
 * @param {object} data
 * @returns {{ fields: [string, string][], notImported: string[], read: string[] }}
 */
function secondPass(data) {
  const value = (/** @type {string} */ name) => textOf(data, name);
  const isOne = Number(value("refinerupscale")) > 1 && !value("refinermodel");
  const isAfter = ["", "PostApply"].includes(value("refinermethod"));
  if (!isOne || !isAfter) return { fields: [], notImported: [], read: [] };
  const part = value("refinercontrolpercentage") || value("refinercontrol") || "0.2";
  const { upscaler, file, notImported } = upscalerNamed(
    value("refinerupscalemethod") || "pixel-lanczos",
  );
  const steps = Math.round(Number(value("refinersteps") || value("steps")) * Number(part));
  return {
    fields: [
      ["hires_scale", value("refinerupscale")],
      ["hires_strength", part],
      ["hires_steps", steps ? String(steps) : ""],
      ["hires_upscaler", upscaler],
      ["upscaler", file],
    ],
    notImported,
    read: [
      ...["refinerupscale", "refinercontrolpercentage", "refinercontrol", "refinersteps"],
      ...["refinerupscalemethod", "refinermethod"],
    ],
  };
}

/** Its ControlNets. @param {object} data */
function controlsIn(data) {
  /** @type {import("./control_choices.js").ControlChoice[]} */
  const choices = [];
  /** @type {string[]} */
  const read = [];
  for (const unit of UNITS) {
    const value = (/** @type {string} */ name) => textOf(data, `controlnet${unit}${name}`);
    const choice = controlOf(
      { name: value("model"), weight: value("strength"), start: value("start"), end: value("end") },
      value("preprocessor"),
    );
    if (!choice) continue;
    choices.push(choice);
    const names = ["model", "strength", "start", "end", "preprocessor", "imageinput"];
    read.push(...names.map((name) => `controlnet${unit}${name}`));
  }
  return { choices, read };
}

/** FreeU of its first version. @param {(name: string) => string} value */
function freeuIn(value) {
  const names = ["freeuskipone", "freeuskiptwo", "freeublockone", "freeublocktwo"];
  const all = names.map(value);
  const isHere = all.every(Number) && value("freeuversion") === "1";
  /** @type {[string, string][]} */
  const fields = isHere ? [["freeu", all.join(", ")]] : [];
  const notImported = isHere ? [lossText.freeu("SwarmUI")] : [];
  return { fields, notImported, read: isHere ? [...names, "freeuversion", "freeuapplyto"] : [] };
}
