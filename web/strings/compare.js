// Texts of the view "Compare".

const decibels = (/** @type {number | null} */ psnr) =>
  psnr === null ? "same pixels" : `${psnr.toFixed(1)} dB`;

export const compareText = {
  builtIn: () => "the built-in model",
  cancelled: () => "Cancelled. What was made is shown.",
  own: () => "your images",
  tooFew: () => "Choose at least two columns: checkpoints, or one and images of your own.",
  noPrompts: () => "Write at least one prompt and one seed.",
  tooMany: (/** @type {number} */ most) =>
    `That is more than ${most} images. Choose fewer here, or let the program do it: darkroom ` +
    `compare.`,
  request: () => "Request",
  seed: (/** @type {string} */ seed) => `seed ${seed}`,
  memory: (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(0)} MB of graphics memory`,
  missing: () => "No image.",
  picture: (/** @type {string} */ prompt, /** @type {string} */ column) => `${prompt}, ${column}`,
  now: (
    /** @type {string} */ model,
    /** @type {number | undefined} */ row,
    /** @type {number} */ rows,
  ) => (row === undefined ? `Opening ${model}` : `${model}: image ${row + 1} of ${rows}`),
  judging: () => "Scoring the images by the CLIP model",
  done: () => "The comparison is complete.",
  doneWithoutJudge: () =>
    "The comparison is complete. No CLIP scores were counted: no CLIP model was named.",
  /**
   * @param {{ seconds?: number, score?: number,
   *   likeness?: import("../engine/protocol.js").Likeness | undefined }} cell
   */
  facts: ({ seconds, likeness, score }) =>
    [
      ...(seconds === undefined ? [] : [`${seconds.toFixed(1)} s`]),
      ...(likeness ? [decibels(likeness.psnr)] : []),
      ...(likeness && likeness.ssim !== null ? [`SSIM ${likeness.ssim.toFixed(3)}`] : []),
      ...(score === undefined ? [] : [`CLIP ${score.toFixed(1)}`]),
    ].join(" · "),
};
