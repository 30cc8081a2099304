// One tab at a time makes images: two at once would compete for memory and processor.

const NAME = "darkroom-graphics";
/** Held by tabs whose picture rests. */
const RESTING = "darkroom-resting";

/** @typedef {{ onWait: () => void, signal: AbortSignal }} Watch */

/**
 * Whether this page has locks: not when it was not opened securely, and not in a frame that is kept
 * apart from its own site (`sandbox`), where they are there and refuse. Then no turn is taken.
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

/** The turn of one job. */
export function createTurn() {
  /** @type {(() => void) | null} gives the turn back */
  let release = null;
  /** @type {(() => void) | null} no longer says that this tab rests */
  let wake = null;
  /** Whether the job has ended; what is granted after that is given back. */
  let over = false;

  /**
   * Takes the turn, unless this job has it.
   * @param {Watch} watch told when another tab is first; the signal ends the waiting
   */
  async function begin({ onWait, signal }) {
    if (release || !(await hasLocks())) return;
    release = await take(NAME, { ifAvailable: true });
    if (!release) {
      onWait();
      release = await take(NAME, { signal });
    }
    wake?.();
    wake = null;
    if (over) end();
  }

  function end() {
    over = true;
    release?.();
    wake?.();
    release = wake = null;
  }

  return {
    begin,
    end,

    /** The job rests: other tabs may work meanwhile. Then `begin` is asked again. */
    rest() {
      if (!release) return;
      release();
      release = null;
      take(RESTING, { mode: "shared" }).then((done) => {
        if (release || over) done?.();
        else wake = done;
      });
    },
  };
}

/**
 * Does work that does not rest when it is this tab's turn.
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

/** Whether any tab makes a picture, or has one that rests. */
export async function someoneWorks() {
  if (!(await hasLocks())) return false;
  const { held } = await navigator.locks.query();
  return !!held?.some(({ name }) => name === NAME || name === RESTING);
}
