// The brush on its way over the mask: from the places of a pointer to lines, with the pressure of a
// pen as the line's width.

/** @typedef {import("./mask.js").Dab} Dab */
/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./zoom.js").Point} Point */

/** The share of the width that the lightest touch of a pen has. */
const LIGHTEST = 0.2;
/** A move of less than this share of the radius waits for the next one: it changes next to nothing,
 * and a large brush costs time. */
const SPACING = 0.08;

/**
 * @param {Mask} mask
 * @param {(rect: import("./history.js").Rect | null) => void} onDraw a part has changed
 */
export function createBrush(mask, onDraw) {
  /** @type {Dab | null} where the line has come to */
  let last = null;
  /** @type {Dab | null} where the pointer is, if the line has not come so far */
  let ahead = null;
  let erases = false;
  /** Whether a stroke that another one ended has changed the mask. */
  let changed = false;

  /** @param {Point} at @param {number} size @param {number} pressure @returns {Dab} */
  const dab = ({ x, y }, size, pressure) => ({
    ...{ x, y },
    radius: (size / 2) * (pressure < 1 ? LIGHTEST + (1 - LIGHTEST) * pressure : 1),
  });

  /** @param {Dab} to */
  function lineTo(to) {
    onDraw(mask.line(last ?? to, to, erases));
    last = to;
    ahead = null;
  }

  return {
    paints: () => last !== null,

    /**
     * Begins a stroke. One that is being painted ends.
     * @param {Point} at
     * @param {{ size: number, pressure?: number, erase: boolean }} how
     */
    begin(at, { size, pressure = 1, erase }) {
      changed = this.end();
      mask.begin();
      erases = erase;
      lineTo(dab(at, size, pressure));
    },

    /** @param {Point} at @param {number} size @param {number} [pressure] */
    move(at, size, pressure = 1) {
      if (!last) return;
      const to = dab(at, size, pressure);
      const moved = Math.hypot(to.x - last.x, to.y - last.y) + Math.abs(to.radius - last.radius);
      if (moved < SPACING * to.radius) ahead = to;
      else lineTo(to);
    },

    /** Ends the stroke. Returns whether it, or one that it ended, has changed the mask. */
    end() {
      if (!last) return false;
      if (ahead) lineTo(ahead);
      last = null;
      const before = changed;
      changed = false;
      return mask.end() || before;
    },

    /** It was no stroke. Returns whether one that it ended has changed the mask. */
    cancel() {
      last = ahead = null;
      onDraw(mask.cancel());
      const before = changed;
      changed = false;
      return before;
    },
  };
}
