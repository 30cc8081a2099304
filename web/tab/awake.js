// Keeps the screen on while an image is made (Wake Lock API): a phone that sleeps would stop it.

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

// The browser ends the wake lock of a hidden tab; it is requested again when the tab is shown.
document.addEventListener("visibilitychange", () => {
  if (wanted && document.visibilityState === "visible") stayAwake(true);
});
