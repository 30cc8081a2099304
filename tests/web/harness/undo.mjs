// The offer to undo a deletion, for as long as a test needs it on a slow machine.

/** The page's offers last ten minutes. Runs in the page, before its own scripts. */
export function longOffers() {
  const real = setTimeout;
  const slow = (/** @type {() => void} */ act, /** @type {number} */ ms) =>
    real(act, ms === 15_000 ? 600_000 : ms);
  Object.assign(globalThis, { setTimeout: slow });
}
