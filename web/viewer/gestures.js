// What mouse and fingers do on the viewer's picture: the wheel, two fingers and a double click
// zoom, a drag moves the enlarged picture, a swipe shows another one.

/** @typedef {import("./stage.js").Point} Point */

/** Pixels of the page from which on a movement of a finger is a swipe. */
const SWIPE = 48;
/** Milliseconds between the two taps of a double tap, and the pixels between them. */
const [TAP_MS, TAP] = [320, 24];
const [WHEEL_ZOOM, PINCH_ZOOM] = [0.0015, 0.01];
/** Pixels of a line and of a page, for wheels that count in them. */
const UNITS = [1, 16, 400];

/**
 * @param {HTMLElement} place
 * @param {import("./stage.js").Stage} stage
 * @param {(by: number) => void} swipe to the picture at the right (1) or at the left (−1)
 */
export function watchGestures(place, stage, swipe) {
  /** Pointers that are down. @type {Map<number, Point>} */
  const down = new Map();
  /** Where the only finger came down; null once there were two. @type {Point | null} */
  let begun = null;
  /** The last tap of a finger. */
  let tapped = { time: -Infinity, x: 0, y: 0 };

  /** @param {MouseEvent} event @returns {Point} */
  const at = ({ clientX, clientY }) => {
    const { left, top } = place.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const onButton = (/** @type {Event} */ { target }) =>
    target instanceof Element && !!target.closest("button");

  place.addEventListener("pointerdown", (event) => {
    const mouse = event.pointerType === "mouse";
    if (onButton(event) || (mouse && (event.button !== 0 || !stage.zoomed()))) return;
    down.set(event.pointerId, at(event));
    begun = down.size === 1 ? at(event) : null;
    place.setPointerCapture(event.pointerId);
  });
  place.addEventListener("pointermove", (event) => {
    const was = down.get(event.pointerId);
    if (!was) return;
    const is = at(event);
    if (down.size === 2) {
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1] ?? was;
      const apart = (/** @type {Point} */ p) =>
        Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
      stage.zoom(apart(is) / apart(was), { x: (is.x + other.x) / 2, y: (is.y + other.y) / 2 });
      stage.pan((is.x - was.x) / 2, (is.y - was.y) / 2);
    } else if (stage.zoomed()) stage.pan(is.x - was.x, is.y - was.y);
    down.set(event.pointerId, is);
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"]))
    place.addEventListener(kind, (event) => {
      if (!down.delete(event.pointerId)) return;
      const from = begun;
      if (!down.size) begun = null;
      if (kind === "pointercancel" || !from || event.pointerType === "mouse") return;
      lifted(from, at(event), event.timeStamp);
    });

  /** The only finger was lifted. @param {Point} from @param {Point} to @param {number} time */
  function lifted(from, to, time) {
    const [x, y] = [to.x - from.x, to.y - from.y];
    if (Math.hypot(x, y) < TAP) {
      const again =
        time - tapped.time < TAP_MS && Math.hypot(to.x - tapped.x, to.y - tapped.y) < TAP;
      tapped = again ? { time: -Infinity, x: 0, y: 0 } : { time, ...to };
      if (again) stage.toggle(to);
    } else if (!stage.zoomed() && Math.abs(x) > SWIPE && Math.abs(x) > 1.5 * Math.abs(y))
      swipe(x < 0 ? 1 : -1);
  }

  let touched = false;
  place.addEventListener("pointerdown", ({ pointerType }) => (touched = pointerType === "touch"), {
    capture: true,
  });
  place.addEventListener("dblclick", (event) => {
    // Two taps of a finger were heard above.
    if (!onButton(event) && !touched) stage.toggle(at(event));
  });
  place.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (UNITS[event.deltaMode] ?? 1);
      const rate = event.ctrlKey ? PINCH_ZOOM : WHEEL_ZOOM;
      stage.zoom(Math.exp(-pixels * rate), at(event));
    },
    { passive: false },
  );
}
