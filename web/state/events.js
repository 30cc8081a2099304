// What happens, by name, and who wants to hear of it: for what is over once it was told, where
// state.js is for what stays true.

/**
 * A source of events; the type says what each name brings.
 * @template {object} T
 */
export function createEvents() {
  /** @type {Map<keyof T, Set<(detail: any) => void>>} */
  const listeners = new Map();

  return {
    /**
     * Hears of what happens, in the order in which listeners came.
     * @template {keyof T} K
     * @param {K} name
     * @param {(detail: T[K]) => void} hear
     * @returns {() => void} ends it
     */
    on(name, hear) {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all.add(hear));
      return () => all.delete(hear);
    },

    /**
     * @template {keyof T} K
     * @param {K} name
     * @param {T[K]} detail
     */
    emit(name, detail) {
      for (const hear of [...(listeners.get(name) ?? [])]) hear(detail);
    },
  };
}

/** @template {object} T @typedef {ReturnType<typeof createEvents<T>>} Events */
