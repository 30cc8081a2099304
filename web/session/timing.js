// How long each of several pictures took that were made together: its share of the steps, and its
// own development.

/** @typedef {import("../engine/protocol.js").Progress} Progress */

/** @param {number} count pictures of the request */
export function createTiming(count) {
  let partBegun = performance.now();
  let developing = partBegun;
  /** Milliseconds of the steps that pictures share, and how many share them. */
  let [steps, together] = [0, count];
  let done = 0;
  /** Steps so far and of all parts; a part has as many as the first one. */
  let [step, all] = [0, 0];

  return {
    /** @param {Progress} progress */
    hear(progress) {
      if (progress.event === "step") [step, all] = [progress.step, progress.steps];
      if (progress.event !== "decoding") return;
      developing = performance.now();
      if (done === 0 && step > 0) together = Math.ceil(count / Math.max(1, Math.round(all / step)));
      if (done % together === 0) steps = developing - partBegun;
    },

    /** A picture is there. @returns {{ seconds: number, first: boolean }} its own, and whether it
     * is the first of those that were made together */
    next() {
      const now = performance.now();
      const first = done % together === 0;
      done += 1;
      if (done % together === 0) partBegun = now;
      return { seconds: (steps / Math.min(together, count) + now - developing) / 1000, first };
    },
  };
}
