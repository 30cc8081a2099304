// The seed: typed, set to a random number, or left empty. A number in the field is used for every
// image; an empty field means a new random seed each time.

import { isChosen, randomSeed } from "../request/seed.js";
import { say } from "../strings.js";
import { button, byId, onPress } from "../dom.js";

/** @param {() => void} onChange */
export function createSeed(onChange) {
  const input = byId("seed", HTMLInputElement);
  const lock = button("lock");
  /** The seed of the latest image. */
  let latest = "";

  function show() {
    const kept = isChosen(input.value);
    lock.ariaPressed = String(kept);
    lock.title = kept ? say.seedKept() : say.seedFree();
  }

  /** @param {string} value */
  function set(value) {
    input.value = value;
    show();
    onChange();
  }

  input.addEventListener("input", show);
  onPress("dice", () => set(randomSeed()));
  onPress("lock", () => set(isChosen(input.value) ? "" : latest || randomSeed()));

  return {
    show,
    /** An image was made. @param {string} seed */
    made: (seed) => (latest = seed),
  };
}
