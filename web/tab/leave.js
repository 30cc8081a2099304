// Leaving the page while a picture is made would lose it: the browser asks first.

const ask = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();

/** @param {boolean} works whether something would be lost */
export function warnOnLeaving(works) {
  // Only as long as it is needed: with a listener some browsers do not keep a page for Back.
  if (works) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
}
