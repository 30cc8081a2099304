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
 * @param {() => Promise<{ pixels: Pixels, key: string }>} handlers.find the start image and its key
 * @param {(extended: { initial: Pixels, mask: Pixels }, key: string) => Promise<boolean>}
 * handlers.onExtended returns whether it is the start image now
 */
export function createExtend({ outpaint, find, onExtended }) {
  /** @type {Promise<void> | null} */
  let running = null;
  const inputs = SIDES.map((side) => byId(`extend-${side}`, HTMLInputElement));
  const told = anyById("extend-told");
  /** The key of the start image that the sentence is about. */
  let about = "";

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
    const { pixels, key } = await find();
    const made = await outpaint(pixels, wanted);
    if (!(await onExtended(made, key))) return editText.extendedLate();
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
    if (running) return;
    const act = button("extend-act");
    // A disabled button would lose the focus.
    act.ariaDisabled = "true";
    const mine = extend()
      .catch((error) => editText.notExtended(/** @type {Error} */ (error).message))
      .then((sentence) => void (told.textContent = sentence))
      .finally(() => {
        act.ariaDisabled = "false";
        running = null;
      });
    running = mine;
  });

  return {
    /** Which start image is shown: a sentence about another goes. @param {string} key */
    show(key) {
      if (key !== about) told.textContent = "";
      about = key;
    },

    /** Resolves when the extension that was asked for is there; null if none was. */
    pending: () => running,
  };
}
