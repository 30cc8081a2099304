// What is known, in one place: values by name, and who wants to hear when some of them change.
// Views show it; what the user does changes it.

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
     * Changes some values. Listeners of those that are others now have heard it on return.
     * @param {Partial<T>} changes
     */
    set(changes) {
      now = Object.freeze({ ...now, ...changes });
      for (const listener of [...listeners]) listener();
    },

    /**
     * Hears when one of these values is another than when it heard last, and what that was. A
     * listener may change values itself.
     * @template {keyof T} K
     * @param {K[]} names
     * @param {(now: Readonly<T>, before: Readonly<T>) => void} hear
     * @returns {() => void} ends it
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
