// State in one place: values by name, and listeners that are called when some of them change. Views
// show the state; what the user does changes it.

/**
 * Values by name.
 * @template {object} T
 * @param {T} initial
 */
export function createState(initial) {
  let now = Object.freeze({ ...initial });
  /** @type {Set<() => void>} */
  const listeners = new Set();

  return {
    /** All values as they are now. @returns {Readonly<T>} */
    get: () => now,

    /**
     * Changes some values. When it returns, all listeners of changed values have been called.
     * @param {Partial<T>} changes
     */
    set(changes) {
      now = Object.freeze({ ...now, ...changes });
      for (const listener of [...listeners]) listener();
    },

    /**
     * Calls `hear` when one of these values has changed, with all values as they are now and as
     * they were when this subscription last compared them. A listener may change values itself.
     * @template {keyof T} K
     * @param {K[]} names
     * @param {(now: Readonly<T>, before: Readonly<T>) => void} hear
     * @returns {() => void} removes the listener
     */
    subscribe(names, hear) {
      let seen = now;
      const listener = () => {
        const before = seen;
        seen = now;
        if (names.some((name) => !Object.is(now[name], before[name]))) hear(now, before);
      };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** @template {object} T @typedef {ReturnType<typeof createState<T>>} State */
