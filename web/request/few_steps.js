// Settings for LoRAs that make an image in few steps, by their published files, and by the names
// under which they are published: LCM-LoRA, TCD, Hyper-SD.

/**
 * Fields of the form.
 * @typedef {{ sampler: string, steps: string, guidance_scale: string, spacing: string,
 *   eta: string, timesteps: string, sigmas: string }} Settings
 */

/**
 * Published files by the SHA-256 under which public lists of models have them: a file that was
 * renamed, or is called pytorch_lora_weights, is known as well.
 */
const PUBLISHED = new Map([
  ["8f90d840e075ff588a58e22c6586e2ae9a6f7922996ee6649a7f01072333afe4", "lcm-lora-sdv1-5"],
  ["a04fd9a535c1e56d38f7590ee72a13fd5ca0409853b4fff021e5a9482cf1ca3b", "Hyper-SD15-1step"],
  ["2f26dcc1d883feb07557a552315baae2ca2a04ac08556b08a355a244547e8c3a", "Hyper-SD15-2steps"],
  ["c5dd058616461ed5053e2b14eec4dbe3fa0eea3b13688642f6d6c80ea2ba5958", "Hyper-SD15-4steps"],
  ["91fc3186236e956d64dbb4357f2e120c69b968b78af7d2db9884a5ca74d3cd13", "Hyper-SD15-8steps"],
  ["f6123d5b950d5250ab6c33600e27f4dcf71b3099ebf888685e01e9e8117ce482", "Hyper-SD15-8steps-CFG"],
  ["64b98437383537cd968fda6f87a05c33160ece9c79ff4757949a1e212ff78361", "Hyper-SD15-12steps-CFG"],
]);
/** Fewer digits of a hash could be another file's. */
const DIGITS_LEAST = 8;

/** The steps where a name says none: of the model cards of LCM-LoRA and TCD. */
const STEPS = "4";
/** Of Hyper-SD's LoRAs that keep guidance; all others are used without. */
const GUIDANCE = "5";

/**
 * What a LoRA is used with; null for one that is not for few steps.
 * @param {string} name
 * @param {string} [hash] the first digits of its file's SHA-256, which count more than the name
 * @returns {Settings | null}
 */
export function fastSettings(name, hash = "") {
  return settingsFor(publishedName(hash) ?? name);
}

/** @param {string} hash */
function publishedName(hash) {
  if (hash.length < DIGITS_LEAST) return undefined;
  return [...PUBLISHED].find(([sha256]) => sha256.startsWith(hash))?.[1];
}

/**
 * @param {string} name
 * @returns {Settings | null}
 */
function settingsFor(name) {
  const [, hyper, tcd, lcm] =
    /(hyper[-_ ]?sd)|(?:^|[^a-z])(tcd)|(?:^|[^a-z])(lcm)/i.exec(name) ?? [];
  if (!hyper && !tcd && !lcm) return null;
  const [, steps = STEPS] = /(\d+)[-_ ]?steps?/i.exec(name) ?? [];
  const plain = { steps, guidance_scale: "1", spacing: "", eta: "", timesteps: "", sigmas: "" };
  if (lcm || tcd) return { ...plain, sampler: lcm ? "lcm" : "tcd" };
  // Hyper-SD: one step by TCD at the timestep that its model card names; more by DDIM over trailing
  // timesteps.
  if (Number(steps) === 1) return { ...plain, sampler: "tcd", eta: "1", timesteps: "800" };
  const guidance = /cfg/i.test(name) ? GUIDANCE : "1";
  return { ...plain, sampler: "ddim", spacing: "trailing", guidance_scale: guidance };
}
