// The painter's keys. Arrows move a cursor, Space and Enter paint there; arrows with Space held
// paint a line, and a drag of the mouse with Space held moves the image. Single keys work while the
// stage has the focus or the mouse is over it, so that they are not pressed by mistake.

/** @typedef {import("./zoom.js").Point} Point */

/**
 * @typedef {object} Handlers
 * @property {(by: Point, far: boolean, paint: boolean) => void} onStep moves the cursor by so many
 * steps; `paint`: and paints on the way
 * @property {() => void} onDab paints at the cursor
 * @property {() => void} onRelease the line that was painted by keys ends
 * @property {() => void} onUndo
 * @property {() => void} onRedo
 * @property {Record<string, () => void>} acts by key
 * @property {() => boolean} over whether the mouse is over the stage
 */

/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * @param {HTMLElement} dialog
 * @param {HTMLElement} stage
 * @param {Handlers} handlers
 */
export function watchKeys(dialog, stage, handlers) {
  let [held, used] = [false, false];

  /** The key Space is no longer held. @param {boolean} paint a dab, if it was used for nothing */
  function release(paint) {
    if (held && paint && !used) handlers.onDab();
    if (held && used) handlers.onRelease();
    held = used = false;
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was a key of the stage */
  function pressOnStage({ key, shiftKey, repeat }) {
    const arrow = ARROWS[key];
    if (arrow) {
      used ||= held;
      handlers.onStep({ x: arrow[0], y: arrow[1] }, shiftKey, held);
    } else if (key === "Enter") handlers.onDab();
    else if (key === " ") {
      if (!repeat) [held, used] = [true, false];
    } else return false;
    return true;
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const command = ctrlKey || metaKey;
    if (command && !altKey && key.toLowerCase() === "z")
      return (shiftKey ? handlers.onRedo : handlers.onUndo)() ?? true;
    if (command && !altKey && key.toLowerCase() === "y") return handlers.onRedo() ?? true;
    const bracket = key === "[" || key === "]";
    // Some keyboards have brackets on AltGr only, which counts as Ctrl and Alt.
    if ((command || altKey) && !(bracket && ctrlKey === altKey)) return false;
    const onStage = event.target === stage;
    if (onStage && pressOnStage(event)) return true;
    const act = handlers.acts[key.length === 1 ? key.toLowerCase() : key];
    if (!act || !(onStage || handlers.over())) return false;
    act();
    return true;
  }

  dialog.addEventListener("keydown", (event) => {
    if (!press(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  dialog.addEventListener("keyup", ({ key }) => key === " " && release(true));
  stage.addEventListener("blur", () => release(false));

  return {
    /** Whether Space is held: then a drag moves the image, and Space paints nothing. */
    pans() {
      used ||= held;
      return held;
    },
  };
}
