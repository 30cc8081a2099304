// Texts about shortcuts, in the form and with images. The numbers are from
// docs/measured/shortcuts.md: the share of the UNet's operations that remain in an image of v1.4,
// and the similarity to exact images, measured with the built-in model.

/**
 * By field and value: the share of the work, the PSNR in dB and the SSIM, medians.
 * @type {Record<string, Record<string, [number, number, number]>>}
 */
export const MEASURED = {
  guidance_interval: {
    "[0,0.8]": [0.9, 35.2, 0.985],
    "[0.1,0.8]": [0.85, 34.8, 0.984],
    "[0.2,0.8]": [0.8, 34.8, 0.984],
    "[0,0.5]": [0.75, 31.3, 0.97],
  },
  cache_interval: { 2: [0.61, 61.8, 1], 3: [0.5, 59.1, 0.999], 5: [0.38, 46.7, 0.998] },
  token_merging_ratio: {
    0.25: [0.95, 44.2, 0.997],
    0.5: [0.91, 37.3, 0.991],
    0.75: [0.88, 29.7, 0.956],
  },
};

/** A part as a share of a hundred. @param {number} part */
const percent = (part) => `${Math.round(100 * part)}`;

export const shortcutsText = {
  exact: () =>
    "All off: the exact image. Guidance in a part of the run, DeepCache and token merging (ToMe) " +
    "save time and give a slightly different image; each image’s record says so.",
  /** @type {(field: string, value: string) => string} */
  lossOf: (field, value) => {
    const figures = MEASURED[field]?.[value];
    const name = NAMES[field] ?? field;
    if (!figures) return `${name}: its loss has not been measured.`;
    const [work, psnr, ssim] = figures;
    return (
      `${name}: ${percent(1 - work)} % less work in an image of v1.4. The built-in model’s ` +
      `images are then ${psnr.toFixed(1)} dB from the exact ones, SSIM ${ssim.toFixed(3)} ` +
      `(medians of 16; 40 dB is a small difference, 30 dB a visible one).`
    );
  },
  guidance: (/** @type {number} */ start, /** @type {number} */ end) =>
    `guided from ${percent(start)} to ${percent(end)} % of the run only`,
  cached: (/** @type {number} */ every) => `deep layers every ${every} evaluations only`,
  merged: (/** @type {number} */ ratio) => `${percent(ratio)} % of the tokens merged`,
};

/** @type {Record<string, string>} */
const NAMES = {
  guidance_interval: "Use guidance in",
  cache_interval: "Reuse deep layers",
  token_merging_ratio: "Merge tokens",
};
