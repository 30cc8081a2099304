// Texts of the queue that are needed when jobs are moved or a run is ended early.

export const queueText = {
  moved: (/** @type {number} */ place, /** @type {number} */ count) =>
    `Position ${place} of ${count}`,
  atEnd: (/** @type {boolean} */ first) => (first ? "It is the first job." : "It is the last job."),
  after: () => "Stop after this image",
  armed: () => "The run stops when this image is finished.",
  goesOn: () => "The run continues after this image.",
  stopped: (/** @type {number} */ count) =>
    count === 1 ? "Stopped after 1 image." : `Stopped after ${count} images.`,
};
