// Small values in localStorage, by name.

/**
 * The stored value of a name; null if there is none, or if storage is blocked.
 * @param {string} name
 */
export function remembered(name) {
  try {
    return localStorage.getItem(`darkroom.${name}`);
  } catch {
    return null;
  }
}

/**
 * Stores a value under a name; null deletes it. Does nothing if storage is blocked or full.
 * @param {string} name
 * @param {string | null} value
 * @returns {boolean} whether it was stored
 */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`darkroom.${name}`);
    else localStorage.setItem(`darkroom.${name}`, value);
    return true;
  } catch {
    // Private windows and full disks: the page works without stored settings.
    return false;
  }
}

/** Deletes all of them, and this tab's sessionStorage. */
export function forgetSettings() {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage)) if (key.startsWith("darkroom")) storage.removeItem(key);
}
