// The times of the latest images of the model that is open, for the file of a measurement.

/** The most that are remembered. */
const MAX = 20;

/** @typedef {import("../speed.js").Made} Made */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("./session.js").Session} session
 */
export function createTimes(state, session) {
  /** The latest is last. @type {Made[]} */
  let times = [];
  state.subscribe(["opened"], () => (times = []));
  session.on("made", ({ picture: { width, height }, request: { steps }, seconds }) => {
    const made = { size: /** @type {[number, number]} */ ([width, height]), seconds };
    times = [...times, { ...made, steps: Number(steps) }].slice(-MAX);
  });
  return { latest: () => times };
}
