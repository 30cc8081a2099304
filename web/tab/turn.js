// One tab at a time makes images: two at once would compete for memory and processor.

const NAME = "darkroom-graphics";
/** The lock of tabs with a paused run; any number of tabs may hold it at once. */
const RESTING = "darkroom-resting";
/** The lock of tabs whose queue runs. */
const QUEUE = "darkroom-queue";
/** Milliseconds after which a tab that has this lock is there; one that is closed gives it up. */
const GONE_MS = 1000;

/** @typedef {{ onWait: () => void, signal: AbortSignal }} Watch */

/**
 * Whether this page can use Web Locks. It cannot outside a secure context, and in a frame with
 * `sandbox`, where every request is refused. Then tabs do not wait for one another.
 */
async function hasLocks() {
  try {
    await navigator.locks.query();
    return true;
  } catch {
    return false;
  }
}

/**
 * Takes a lock of the browser's; resolves to a function that releases it, or to null when
 * `ifAvailable` was set and the lock is taken.
 * @param {string} name
 * @param {LockOptions} options
 * @returns {Promise<(() => void) | null>}
 */
function take(name, options) {
  return new Promise((resolve, reject) => {
    const hold = (/** @type {Lock | null} */ lock) =>
      lock
        ? new Promise((/** @type {(value: void) => void} */ done) => resolve(() => done()))
        : resolve(null);
    navigator.locks.request(name, options, hold).catch(reject);
  });
}

/** The turn of one task: it computes only while it has the lock. */
export function createTurn() {
  /** @type {(() => void) | null} releases the lock of the turn, while this task has it */
  let releaseTurn = null;
  /** @type {(() => void) | null} releases the lock RESTING, while this task is paused */
  let releaseResting = null;
  /** Whether the task has ended; a lock that is granted after that is released at once. */
  let ended = false;

  /**
   * Waits for the lock, unless this task has it.
   * @param {Watch} watch `onWait` is called if another tab has the lock; the signal ends the wait
   */
  async function begin({ onWait, signal }) {
    if (releaseTurn || !(await hasLocks())) return;
    releaseTurn = await take(NAME, { ifAvailable: true });
    if (!releaseTurn) {
      onWait();
      releaseTurn = await take(NAME, { signal });
    }
    releaseResting?.();
    releaseResting = null;
    if (ended) end();
  }

  function end() {
    ended = true;
    releaseTurn?.();
    releaseResting?.();
    releaseTurn = releaseResting = null;
  }

  return {
    begin,
    end,

    /** The task is paused: gives the lock to other tabs, until `begin` is called again. */
    rest() {
      if (!releaseTurn) return;
      releaseTurn();
      releaseTurn = null;
      take(RESTING, { mode: "shared" }).then((release) => {
        if (releaseTurn || ended) release?.();
        else releaseResting = release;
      });
    },
  };
}

/**
 * Does work under the lock; the work cannot be paused.
 * @template T
 * @param {() => Promise<T>} work
 * @param {Watch} watch
 * @returns {Promise<T>}
 */
export async function inTurn(work, watch) {
  const turn = createTurn();
  await turn.begin(watch);
  return work().finally(turn.end);
}

/** Tells other tabs that the queue of this one runs. Returns what ends that. */
export async function queueRuns() {
  const release = (await hasLocks()) ? await take(QUEUE, { mode: "shared" }) : null;
  return () => release?.();
}

/**
 * Does work, unless a queue runs in another tab. Resolves to whether it was done.
 * @param {() => Promise<void>} work
 */
export async function whereNoQueueRuns(work) {
  let release = null;
  if (await hasLocks()) {
    release = await take(QUEUE, { signal: AbortSignal.timeout(GONE_MS) }).catch(() => null);
    if (!release) return false;
  }
  await work().finally(() => release?.());
  return true;
}

/** Whether any tab has a task that runs or is paused. */
export async function someoneWorks() {
  if (!(await hasLocks())) return false;
  const { held } = await navigator.locks.query();
  return !!held?.some(({ name }) => name === NAME || name === RESTING);
}
