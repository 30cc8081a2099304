// Events by name, and their listeners. An event is over once its listeners were called; what lasts
// is in state.js.

/**
 * A source of events; the type says what each name brings.
 * @template {object} T
 */
export function createEvents() {
  /** @type {Map<keyof T, Set<(detail: any) => void>>} */
  const listeners = new Map();

  return {
    /**
     * Adds a listener. Listeners are called in the order in which they were added.
     * @template {keyof T} K
     * @param {K} name
     * @param {(detail: T[K]) => void} hear
     * @returns {() => void} removes the listener
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
