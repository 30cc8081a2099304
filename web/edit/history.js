// The steps of a mask that can be undone and done again. They are bounded in number and in bytes:
// the oldest ones are forgotten first.

/** A part of the mask: columns x to x + width, rows y to y + height. */
/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

/** What a step changed: the place, and what is not there now. @typedef {{ rect: Rect, bytes:
 * Uint8Array }} Step */

/** Steps, at most. */
export const STEPS_MAX = 200;
/** Their bytes, at most; the latest step is kept in any case. */
export const BYTES_MAX = 64_000_000;

/**
 * A line of steps and the place in it: those before it were done, those behind it undone.
 * @param {{ steps?: number, bytes?: number }} [bounds]
 */
export function createHistory({ steps: most = STEPS_MAX, bytes: mostBytes = BYTES_MAX } = {}) {
  /** @type {Step[]} */
  let steps = [];
  let at = 0;
  const size = () => steps.reduce((sum, { bytes }) => sum + bytes.length, 0);

  return {
    /** Adds a step that was done; what had been undone is forgotten. @param {Step} step */
    add(step) {
      steps = [...steps.slice(0, at), step];
      while (steps.length > 1 && (steps.length > most || size() > mostBytes)) steps.shift();
      at = steps.length;
    },

    /** The step to undo, which counts as undone now. */
    back: () => (at > 0 ? steps[--at] : undefined),

    /** The step to do again, which counts as done now. */
    forth: () => (at < steps.length ? steps[at++] : undefined),

    /** How many steps can be undone, and done again. */
    counts: () => ({ back: at, forth: steps.length - at }),
  };
}
