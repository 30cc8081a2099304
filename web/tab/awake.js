// Keeps the screen on while a picture is made, where the browser can: a sleeping phone stops it.

/** @type {Promise<WakeLockSentinel | null> | null} */
let lock = null;
let wanted = false;

async function ask() {
  if (!wanted || document.visibilityState !== "visible") return null;
  return (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
}

/** @param {boolean} on */
export function stayAwake(on) {
  wanted = on;
  const before = lock;
  lock = on ? ask() : null;
  before?.then((held) => held?.release());
}

// The browser takes it back from a tab that is not seen.
document.addEventListener("visibilitychange", () => {
  if (wanted && document.visibilityState === "visible") stayAwake(true);
});
