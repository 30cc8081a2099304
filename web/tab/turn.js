// One tab at a time has the graphics device: two at once would take each other's memory.

const NAME = "darkroom-graphics";

/**
 * Does the work when it is this tab's turn.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ onWait: () => void, signal: AbortSignal }} watch told when another tab is first; the
 * signal ends the waiting
 * @returns {Promise<T>}
 */
export async function inTurn(work, { onWait, signal }) {
  // A page that was not opened securely has no locks, and no WebGPU either.
  const { locks } = navigator;
  if (!locks) return work();
  const now = await locks.request(NAME, { ifAvailable: true }, async (lock) =>
    lock ? { result: await work() } : null,
  );
  if (now) return now.result;
  onWait();
  return locks.request(NAME, { signal }, work);
}

/** Whether any tab has it. */
export async function someoneWorks() {
  const { held } = (await navigator.locks?.query()) ?? {};
  return !!held?.some(({ name }) => name === NAME);
}
