// Settings for LoRAs that make an image in few steps, by the names under which they are published:
// LCM-LoRA, TCD, Hyper-SD.

/**
 * Fields of the form.
 * @typedef {{ sampler: string, steps: string, guidance_scale: string, spacing: string,
 *   eta: string, karras: string }} Settings
 */

/** The steps where a name says none: of the model cards of LCM-LoRA and TCD. */
const STEPS = "4";
/** Of Hyper-SD's LoRAs that keep guidance; all others are used without. */
const GUIDANCE = "5";

/**
 * What a LoRA of this name is used with; null for one that is not for few steps.
 * @param {string} name
 * @returns {Settings | null}
 */
export function fastSettings(name) {
  const [, hyper, tcd, lcm] =
    /(hyper[-_ ]?sd)|(?:^|[^a-z])(tcd)|(?:^|[^a-z])(lcm)/i.exec(name) ?? [];
  if (!hyper && !tcd && !lcm) return null;
  const [, steps = STEPS] = /(\d+)[-_ ]?steps?/i.exec(name) ?? [];
  const plain = { steps, guidance_scale: "1", spacing: "", eta: "", karras: "" };
  if (lcm || tcd) return { ...plain, sampler: lcm ? "lcm" : "tcd" };
  // Hyper-SD: one step by TCD, which adds all of the noise; more by DDIM over trailing timesteps.
  if (Number(steps) === 1) return { ...plain, sampler: "tcd", eta: "1" };
  const guidance = /cfg/i.test(name) ? GUIDANCE : "1";
  return { ...plain, sampler: "ddim", spacing: "trailing", guidance_scale: guidance };
}
