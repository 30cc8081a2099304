// The fields of a request, for the page, which needs them before its engine is there. Made from the
// crate's table (crate/src/request); `UPDATE_FIELDS=1 cargo test --test main fields` writes it.

/**
 * The values that a field takes.
 * @typedef {"text" | "seed" | "flag" | "whole" | "number" | "name" | "sampler" | "layer" | "side"
 *   | "interval"} FieldType
 *
 * A row of the table.
 * @typedef {object} Field
 * @property {FieldType} kind the values that it takes
 * @property {unknown} default
 * @property {boolean} [optional] whether it may be null
 * @property {number} [least] of a number
 * @property {number} [most]
 * @property {readonly string[]} [names] that it takes
 * @property {readonly string[]} [aliases] in lists and links
 * @property {string} [text] its name in a picture's text, which it shares where it is a part
 * @property {number} [part] of the value there, which is such as 512x768
 * @property {boolean} [faster] whether it makes the run faster and the image another
 */

/**
 * What to make. Numbers may be given as typed: the engine says what is wrong with them.
 * @typedef {object} Fields
 * @property {string} [prompt] What the image shows; of any length, and may be empty.
 * @property {string} [negative_prompt] What the image should not show; empty is the unconditional
 * prompt.
 * @property {string} [seed] Chooses the noise that the image begins with.
 * @property {number | string} [count] How many images to make: of this seed and of those that
 * follow it, each as if it were alone.
 * @property {number | string} [steps] Steps of the sampler.
 * @property {number | string} [guidance_scale] How strongly the prompt pulls; up to 1 there is no
 * guidance at all.
 * @property {string} [sampler] Which sampler steps from noise to the image.
 * @property {number | string | null} [eta] For the samplers ddim and tcd: 0 adds no noise, 1 as
 * much as the reverse chain does, or with tcd all of the next step's.
 * @property {string | null} [timesteps] For the samplers lcm and tcd: the training timesteps that
 * they visit, such as 999, 749, 499, 249, as many as there are steps and descending. Hyper-SD's
 * LoRA of one step needs 800.
 * @property {string | null} [sigmas] Which noise levels the sampler steps over.
 * @property {string | null} [final_sigmas] For the samplers dpmpp_2m and unipc, where the run ends:
 * without noise (zero), or at the smallest noise level of training (sigma_min).
 * @property {boolean | null} [rescale_betas_zero_snr] Whether the noise levels of training are
 * rescaled so that the last one is noise alone. Only for models that were trained so.
 * @property {number | string} [guidance_rescale] How much of the spread of the prompt's own
 * prediction the guided one gets: 0 is none, 1 is all. It corrects pictures that strong guidance
 * makes too bright or too plain.
 * @property {string | null} [spacing] Which training timesteps the sampler visits.
 * @property {string} [rng] Whose random numbers the seed chooses: those of torch on the CPU, of
 * numpy, or of torch on an NVIDIA GPU (philox).
 * @property {string} [as_in] Whose numbers the image has where programs differ: noise levels, noise
 * and emphasis as in diffusers, AUTOMATIC1111's web UI (a1111) or ComfyUI.
 * @property {number | string} [clip_skip] The layer of the text encoder that the context is taken
 * from, counted from the last as in AUTOMATIC1111's web UI: 1 is the last one, 2 the one before
 * (clip_skip=1 in diffusers). The final layer norm is applied in any case, as both do.
 * @property {string} [long_prompt] What becomes of a prompt that is longer than the text encoder's
 * 75 tokens: truncate cuts it off, chunks encodes it in pieces of 75.
 * @property {string} [prompt_syntax] Whose syntax prompts are read with: plain is none, as in
 * diffusers; a1111 is that of AUTOMATIC1111's web UI: weights (word:1.2), editing [from:to:0.5],
 * alternation, AND, BREAK, <lora:name:0.8>.
 * @property {boolean} [clean] Whether prompts are cleaned as the original program cleans them:
 * typographic quotes made plain, HTML entities resolved, and so on.
 * @property {number | string | null} [strength] For a run that begins with an image, how far from
 * it to go: the share of the steps that are taken.
 * @property {number | string} [mask_blur] For a run with a mask, the radius of the Gaussian that
 * blurs the mask: the new part and the rest of the image then blend into each other.
 * @property {string} [masked_content] For a run with a mask, what the masked part begins with:
 * original is the image there, noise is noise alone.
 * @property {number | string | null} [padding_mask_crop] For a run with a mask: only the masked
 * part of the image, with so many pixels around it, is made, at the request's size, and put back
 * where it was.
 * @property {number | string | null} [image_guidance_scale] For a model that edits images by
 * instructions, how strongly the image that it begins with pulls; below 1 there is no guidance at
 * all.
 * @property {number | string | null} [hires_scale] Makes the image twice: at the request's size,
 * then so many times as wide and high, beginning with the first one enlarged ("hires fix" in
 * AUTOMATIC1111's web UI).
 * @property {number | string | null} [hires_steps] For a second pass, its steps, all of which are
 * taken.
 * @property {string} [hires_upscaler] For a second pass, what enlarges the first one: its latents
 * are interpolated, its image is resized (lanczos, bicubic), or a file with an upscaler enlarges
 * that.
 * @property {number | string} [hires_strength] For a second pass, how far from the first one to go:
 * how much noise it begins with.
 * @property {number | string | null} [tile_overlap] For an image that is larger than those that the
 * model was trained on: it is made through windows of their size, which overlap by so many pixels
 * at least and whose predictions are averaged; the VAE works in tiles. It takes the memory of one
 * window.
 * @property {string | null} [freeu] Weighs what the UNet has from its lower resolutions against its
 * skips (FreeU): the four numbers s1, s2, b1, b2. For v1.4 its authors have published 0.9, 0.2,
 * 1.3, 1.4.
 * @property {number | string | null} [width] The width of the image.
 * @property {number | string | null} [height] The height of the image.
 * @property {[number, number]} [guidance_interval] The part of the run that is guided, from noise
 * alone (0) to the image (1). Elsewhere the prompt is followed without guidance, at half the work.
 * @property {number | string} [cache_interval] Every so many evaluations the UNet is evaluated
 * whole; the others take what its deep layers made from the last of those. 1 is always.
 * @property {number | string} [token_merging_ratio] The share of the tokens of the highest
 * resolution that is merged into others for their self-attention, to three digits; 0 is none. Only
 * on the graphics adapter.
 */

/** @type {Record<string, Field>} */
const TABLE = {
  prompt: {
    kind: "text",
    default: "",
  },
  negative_prompt: {
    kind: "text",
    default: "",
    aliases: ["negative"],
  },
  seed: {
    kind: "seed",
    default: "0",
    text: "Seed",
  },
  count: {
    kind: "whole",
    default: 1,
    least: 1,
    most: 1000,
    aliases: ["n_iter", "batch_size"],
  },
  steps: {
    kind: "whole",
    default: 20,
    least: 1,
    most: 1000,
    text: "Steps",
  },
  guidance_scale: {
    kind: "number",
    default: 7.5,
    aliases: ["guidance", "cfg_scale", "cfg"],
    text: "CFG scale",
  },
  sampler: {
    kind: "sampler",
    default: "ddim",
    names: [
      "ddim",
      "pndm",
      "lms",
      "euler",
      "euler_ancestral",
      "heun",
      "dpmpp_2m",
      "dpmpp_2m_sde",
      "dpmpp_2s_ancestral",
      "dpmpp_sde",
      "dpmpp_3m_sde",
      "dpm_2",
      "dpm_2_ancestral",
      "unipc",
      "deis",
      "ipndm",
      "ddpm",
      "lcm",
      "tcd",
    ],
    aliases: ["sampler_name"],
    text: "Sampler",
  },
  eta: {
    kind: "number",
    default: null,
    optional: true,
    least: 0,
    most: 1,
    text: "Eta",
  },
  timesteps: {
    kind: "text",
    default: null,
    optional: true,
    text: "Timesteps",
  },
  sigmas: {
    kind: "name",
    default: null,
    optional: true,
    names: [
      "normal",
      "karras",
      "exponential",
      "beta",
      "sgm_uniform",
      "simple",
      "ays",
      "kl_optimal",
    ],
    aliases: ["karras"],
    text: "Schedule type",
  },
  final_sigmas: {
    kind: "name",
    default: null,
    optional: true,
    names: ["zero", "sigma_min"],
    text: "Final sigmas",
  },
  rescale_betas_zero_snr: {
    kind: "flag",
    default: null,
    optional: true,
    text: "Noise Schedule",
  },
  guidance_rescale: {
    kind: "number",
    default: 0,
    least: 0,
    most: 1,
    text: "Guidance rescale",
  },
  spacing: {
    kind: "name",
    default: null,
    optional: true,
    names: ["leading", "linspace", "trailing"],
    text: "Timestep spacing",
  },
  rng: {
    kind: "name",
    default: "torch",
    names: ["torch", "numpy", "philox"],
    text: "RNG",
  },
  as_in: {
    kind: "name",
    default: "diffusers",
    names: ["diffusers", "a1111", "comfyui"],
    text: "Numbers",
  },
  clip_skip: {
    kind: "layer",
    default: 1,
    text: "Clip skip",
  },
  long_prompt: {
    kind: "name",
    default: "truncate",
    names: ["truncate", "chunks"],
    text: "Long prompt",
  },
  prompt_syntax: {
    kind: "name",
    default: "plain",
    names: ["plain", "a1111"],
    aliases: ["prompt_weights"],
    text: "Prompt syntax",
  },
  clean: {
    kind: "flag",
    default: false,
    text: "Prompt cleaning",
  },
  strength: {
    kind: "number",
    default: null,
    optional: true,
    least: 0,
    most: 1,
    text: "Denoising strength",
  },
  mask_blur: {
    kind: "number",
    default: 0,
    least: 0,
    most: 256,
    text: "Mask blur",
  },
  masked_content: {
    kind: "name",
    default: "original",
    names: ["original", "noise"],
    text: "Masked content",
  },
  padding_mask_crop: {
    kind: "whole",
    default: null,
    optional: true,
    least: 0,
    most: 8192,
    aliases: ["only_masked", "only_masked_padding"],
    text: "Masked area padding",
  },
  image_guidance_scale: {
    kind: "number",
    default: null,
    optional: true,
    least: 0,
    most: 100,
    aliases: ["image_guidance", "image_cfg_scale"],
    text: "Image CFG scale",
  },
  hires_scale: {
    kind: "number",
    default: null,
    optional: true,
    least: 1,
    most: 4,
    aliases: ["hires", "hr_scale", "hires_upscale"],
    text: "Hires upscale",
  },
  hires_steps: {
    kind: "whole",
    default: null,
    optional: true,
    least: 1,
    most: 1000,
    aliases: ["hr_second_pass_steps"],
    text: "Hires steps",
  },
  hires_upscaler: {
    kind: "name",
    default: "latent",
    names: [
      "latent",
      "latent (antialiased)",
      "latent (bicubic)",
      "latent (bicubic antialiased)",
      "latent (nearest)",
      "latent (nearest-exact)",
      "lanczos",
      "bicubic",
      "file",
    ],
    aliases: ["hr_upscaler"],
    text: "Hires upscaler",
  },
  hires_strength: {
    kind: "number",
    default: 0.7,
    least: 0,
    most: 1,
    aliases: ["hires_denoising_strength"],
    text: "Hires denoising strength",
  },
  tile_overlap: {
    kind: "whole",
    default: null,
    optional: true,
    least: 0,
    most: 8192,
    text: "Tile overlap",
  },
  freeu: {
    kind: "text",
    default: null,
    optional: true,
    text: "FreeU",
  },
  width: {
    kind: "side",
    default: null,
    optional: true,
    text: "Size",
    part: 0,
  },
  height: {
    kind: "side",
    default: null,
    optional: true,
    text: "Size",
    part: 1,
  },
  guidance_interval: {
    kind: "interval",
    default: [0, 1],
    text: "Guidance interval",
    faster: true,
  },
  cache_interval: {
    kind: "whole",
    default: 1,
    least: 1,
    most: 100,
    text: "Cache interval",
    faster: true,
  },
  token_merging_ratio: {
    kind: "number",
    default: 0,
    least: 0,
    most: 0.75,
    text: "Token merging ratio",
    faster: true,
  },
};

/** All of them by name, in the order in which a request is written. */
export const FIELDS = new Map(Object.entries(TABLE));

/** Fields by their other names, in lists and links. @type {Map<string, string>} */
export const ALIASES = new Map(
  [...FIELDS].flatMap(([name, { aliases = [] }]) => aliases.map((alias) => [alias, name])),
);
