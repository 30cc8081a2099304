// Extends the start image at its sides (outpainting): the engine fills the new pixels with a first
// guess and masks them, and the next image draws them.

import { editText } from "../strings/edit.js";
import { anyById, button, byId, onPress } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Pixels} Pixels */

/**
 * Pixels for the left, upper, right and lower side.
 * @typedef {[left: number, top: number, right: number, bottom: number]} Sides
 *
 * @typedef {(pixels: Pixels, sides: Sides) => Promise<{ initial: Pixels, mask: Pixels }>} Outpaint
 */

const SIDES = /** @type {const} */ (["left", "top", "right", "bottom"]);
/** The most pixels of a side. */
const MOST = 2048;

/**
 * @param {object} handlers
 * @param {Outpaint} handlers.outpaint
 * @param {() => Promise<Pixels>} handlers.find the start image
 * @param {(extended: { initial: Pixels, mask: Pixels }) => Promise<void>} handlers.onExtended
 */
export function createExtend({ outpaint, find, onExtended }) {
  /** @type {Promise<void> | null} */
  let running = null;
  const inputs = SIDES.map((side) => byId(`extend-${side}`, HTMLInputElement));
  const told = anyById("extend-told");

  /** The numbers as typed; null if one is none. @returns {Sides | null} */
  function sides() {
    const numbers = inputs.map(({ value }) => Number(value.trim() || 0));
    const good = numbers.every((one) => Number.isInteger(one) && one >= 0 && one <= MOST);
    return good ? /** @type {Sides} */ (numbers) : null;
  }

  async function extend() {
    const wanted = sides();
    if (!wanted) return editText.wrongSides(MOST);
    if (!wanted.some((one) => one)) return editText.noSides();
    const made = await outpaint(await find(), wanted);
    await onExtended(made);
    for (const input of inputs) input.value = "0";
    return editText.extended(made.initial.width, made.initial.height);
  }

  for (const input of inputs)
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      // Instead of the form's Generate.
      event.preventDefault();
      button("extend-act").click();
    });
  onPress("extend-act", () => {
    const act = button("extend-act");
    act.disabled = true;
    const mine = extend()
      .catch((error) => editText.notExtended(/** @type {Error} */ (error).message))
      .then((sentence) => void (told.textContent = sentence))
      .finally(() => {
        act.disabled = false;
        running = null;
      });
    running = mine;
  });

  return {
    /** Resolves when the extension that was asked for is there; null if none was. */
    pending: () => running,
  };
}
