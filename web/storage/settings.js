// Small things that this browser keeps for the page, a line each by its name.

/**
 * What the browser keeps for this page under a name, in one line; nothing where it keeps nothing.
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
 * Keeps a line under a name, or forgets it; where the browser keeps nothing, so does the page.
 * @param {string} name
 * @param {string | null} value
 */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`darkroom.${name}`);
    else localStorage.setItem(`darkroom.${name}`, value);
  } catch {
    // Private windows and full disks: the page works without a memory.
  }
}

/** Forgets all of them, and what a tab keeps for itself. */
export function forgetSettings() {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage)) if (key.startsWith("darkroom")) storage.removeItem(key);
}
