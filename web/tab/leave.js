// Lets the browser ask before the user leaves the page while an image is made, which would be lost.

const ask = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();

/** @param {boolean} running whether something would be lost */
export function warnOnLeaving(running) {
  // Only while it is needed: with this listener some browsers do not cache the page for Back.
  if (running) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
}
