// Long presses of a finger on the items of a list.

/** Milliseconds of a long press, and the pixels that the finger may move meanwhile. */
const [LONG_MS, STILL] = [500, 10];

/**
 * @param {HTMLElement} list
 * @param {(item: HTMLElement) => void} onLong
 */
export function watchPresses(list, onLong) {
  let timer = 0;
  let long = false;
  let touch = false;
  let [x, y] = [0, 0];
  const stop = () => clearTimeout(timer);

  list.addEventListener("pointerdown", (event) => {
    const { target, pointerType, clientX, clientY } = event;
    stop();
    long = false;
    touch = pointerType === "touch";
    const item = target instanceof Element ? target.closest("li") : null;
    if (!item || !touch) return;
    [x, y] = [clientX, clientY];
    timer = setTimeout(() => {
      long = true;
      navigator.vibrate?.(20);
      onLong(item);
    }, LONG_MS);
  });
  list.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (Math.hypot(clientX - x, clientY - y) > STILL) stop();
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"]))
    list.addEventListener(kind, stop);
  // The menu of the image, which a long press opens too.
  list.addEventListener("contextmenu", (event) => touch && event.preventDefault());
  list.addEventListener("keydown", () => (long = touch = false), true);

  return {
    /** Whether the click that follows belongs to a long press. */
    wasLong: () => long,
    /** Whether the list was last touched by a finger. */
    touches: () => touch,
  };
}
