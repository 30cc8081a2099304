// Makes jobs that name a model: cells of a grid over checkpoints or VAEs. A model that does not
// open is tried once in a run of the queue; its other jobs have the same reason. When the queue
// rests, the page's own model is opened again. Loaded with the first such job.

/** @typedef {import("../session/session.js").Session} Session */
/** @typedef {import("../session/protocol.js").Outcome} Outcome */
/** @typedef {import("../session/protocol.js").Wanted} Wanted */
/** @typedef {import("../state/page.js").Choice} Choice */

/** @type {ReturnType<typeof createJobModels> | null} */
let one = null;

/**
 * The page's only one.
 * @param {import("../state/page.js").Page} state
 * @param {Session} session
 */
export const theJobModels = (state, session) => (one ??= createJobModels(state, session));

/**
 * @param {import("../state/page.js").Page} state
 * @param {Pick<Session, "make" | "restore">} session
 */
export function createJobModels(state, session) {
  /** Why a model did not open in this run of the queue. @type {Map<string, string>} */
  const unopened = new Map();

  state.subscribe(["queueRuns", "task"], () => {
    const rests = () => !state.get().queueRuns && !state.get().task;
    // The task that ends tells so first.
    if (rests())
      setTimeout(() => {
        if (!rests()) return;
        unopened.clear();
        void session.restore();
      });
  });

  return {
    /**
     * @param {() => Wanted} wanted
     * @param {Choice} choice
     * @returns {Promise<Outcome>}
     */
    async make(wanted, choice) {
      const key = JSON.stringify(choice);
      const reason = unopened.get(key);
      if (reason !== undefined) return { failed: reason, engineGone: false };
      const outcome = await session.make(wanted, false, choice);
      // The job of another model can open that.
      if (typeof outcome !== "object" || state.get().opened) return outcome;
      unopened.set(key, outcome.failed);
      return { ...outcome, engineGone: false };
    },
  };
}
