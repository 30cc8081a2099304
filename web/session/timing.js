// How long each image of a request took: its share of the steps, and its own decoding. Images that
// are computed together are a group; a request of many images may be several groups.

/** @typedef {import("../engine/protocol.js").Progress} Progress */

/** @param {number} count images of the request */
export function createTiming(count) {
  let groupStart = performance.now();
  let decodeStart = groupStart;
  /** Milliseconds of the steps that the images of a group share. */
  let stepsMs = 0;
  /** Images in a group; known at the first decoding. */
  let groupSize = count;
  /** Images that are finished. */
  let done = 0;
  /** Steps so far, and steps of all groups. */
  let [stepsDone, stepsTotal] = [0, 0];

  return {
    /** @param {Progress} progress */
    hear(progress) {
      if (progress.event === "step") [stepsDone, stepsTotal] = [progress.step, progress.steps];
      if (progress.event !== "decoding") return;
      decodeStart = performance.now();
      // All groups have the same number of steps. Example: 4 images in 2 groups of 40 steps. At the
      // first decoding 40 of 80 steps are done: 2 groups, so a group has 2 images.
      if (done === 0 && stepsDone > 0) {
        const groups = Math.max(1, Math.round(stepsTotal / stepsDone));
        groupSize = Math.ceil(count / groups);
      }
      if (done % groupSize === 0) stepsMs = decodeStart - groupStart;
    },

    /**
     * An image is finished.
     * @returns {{ seconds: number, first: boolean }} its time, and whether it is the first of its
     * group
     */
    next() {
      const now = performance.now();
      const first = done % groupSize === 0;
      done += 1;
      if (done % groupSize === 0) groupStart = now;
      const share = stepsMs / Math.min(groupSize, count);
      return { seconds: (share + now - decodeStart) / 1000, first };
    },
  };
}
