// Reads the request of Easy Diffusion's images: each setting is a text of its own; in JPEG and WebP
// files they are JSON.

import { lossText } from "../strings/losses.js";
import { writeControls } from "./control_choices.js";
import { controlLosses, controlOf } from "./controls.js";
import { noHashes, plainName } from "./hashes.js";
import { own, parseJson } from "./json.js";
import { isOff, listed } from "./left_over.js";
import { loraField } from "./networks.js";
import { samplerFields } from "./samplers.js";
import { readWebUi, webUiSyntax } from "./syntax.js";

/** @typedef {import("./request.js").Found} Found */

/** Its settings that this program does not have. */
const LOST = [
  ...["tiling", "use_face_correction", "use_upscale", "upscale_amount", "latent_upscaler_steps"],
  ...["use_hypernetwork_model", "hypernetwork_strength", "distilled_guidance_scale"],
  ...["codeformer_fidelity", "use_text_encoder_model"],
];

/** @param {string} text JSON @returns {Found} */
export function readEasyJson(text) {
  const data = parseJson(text);
  if (own(data, "num_inference_steps") === undefined) throw new Error("no request");
  const texts = Object.entries(data).map(([name, value]) => {
    const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
    return /** @type {[string, string]} */ ([name, shown]);
  });
  return readEasy(new Map(texts));
}

/**
 * @param {Map<string, string>} texts
 * @returns {Found}
 */
export function readEasy(texts) {
  const value = (/** @type {string} */ name) => {
    const text = texts.get(name) ?? "";
    return isOff(text) ? "" : text;
  };
  if (!texts.has("num_inference_steps")) throw new Error("no request");
  const sampler = samplerFields(value("sampler_name"), value("scheduler_name"), "Easy Diffusion");
  const strength = value("prompt_strength");
  const said = ["prompt", "negative_prompt"].map((name) => readWebUi(texts.get(name) ?? ""));
  const [words, negative] = said;
  const [model, vae] = [value("use_stable_diffusion_model"), value("use_vae_model")];
  const filter = value("control_filter_to_apply");
  const control = controlOf(
    { name: value("use_controlnet_model"), weight: value("control_alpha") },
    filter,
  );
  const controls = control ? [control] : [];
  const unread = control || !value("use_controlnet_model") ? [] : CONTROL;
  const lost = [...LOST, ...unread].filter((name) => value(name));
  const embeddings = quotedIn(value("use_embeddings_model")).map(nameIn).filter(Boolean);
  return {
    fields: [
      ["prompt", words?.text ?? ""],
      ["negative_prompt", negative?.text ?? ""],
      ["steps", value("num_inference_steps")],
      ["guidance_scale", value("guidance_scale")],
      ["seed", value("seed")],
      ["width", value("width")],
      ["height", value("height")],
      ...sampler.fields,
      webUiSyntax(),
      ["long_prompt", "chunks"],
      ["clip_skip", /^true$/i.test(value("clip_skip")) ? "2" : ""],
      ["strength", strength],
      loraField(easyLoras(value("use_lora_model"), value("lora_alpha"))),
      ["controls", writeControls(controls)],
    ],
    hashes: { ...noHashes(), embeddings: new Map(embeddings.map((one) => [plainName(one), ""])) },
    offers: sampler.offers,
    madeWith: [
      ...(model ? [{ kind: "model", name: model, hash: "" }] : []),
      ...(vae ? [{ kind: "vae", name: vae, hash: "" }] : []),
    ],
    notImported: [
      ...new Set(said.flatMap(({ notImported }) => notImported)),
      ...sampler.notImported,
      ...sampler.noise,
      ...(strength ? [lossText.startImage()] : []),
      ...controlLosses([], controls),
      ...listed(lost.map((name) => [name, value(name)])),
    ],
  };
}

/** Its settings of a ControlNet. */
const CONTROL = ["use_controlnet_model", "control_filter_to_apply", "control_alpha"];

/**
 * Texts of a list as Python or JSON writes it, or the one text.
 * @param {string} text
 */
function quotedIn(text) {
  if (!text.trim().startsWith("[")) return [text.trim()];
  const quoted = text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g);
  return [...quoted].map(([, one, other]) => one ?? other ?? "");
}

/** The name of a file, by which a prompt calls an inversion. @param {string} path */
const nameIn = (path) => path.replace(/^.*[\\/]/, "").replace(/\.(safetensors|pt|bin)$/i, "");

/**
 * Its LoRAs: one, or lists.
 * @param {string} models
 * @param {string} alphas
 */
function easyLoras(models, alphas) {
  const weights = alphas.match(/-?[\d.]+/g) ?? [];
  const all = quotedIn(models).map((name, index) => ({ name, weight: weights[index] ?? "" }));
  return all.filter(({ name }) => name && name !== "None");
}
