// What mouse, pen and fingers do on the stage: paint, erase, move the image, zoom. One finger
// paints, two move and zoom; a stroke that turns out to be the first finger of two is taken back.

/** @typedef {import("./zoom.js").Point} Point */

/**
 * @typedef {object} Handlers
 * @property {(at: Point, pressure: number, erase: boolean) => void} onBegin a stroke begins; the
 * pressure of a pen, 1 for all others
 * @property {(at: Point, pressure: number) => void} onMove it goes on
 * @property {() => void} onEnd it ends
 * @property {() => void} onCancel it was none
 * @property {(by: Point) => void} onPan
 * @property {(factor: number, at: Point) => void} onZoom
 * @property {(at: Point | null) => void} onHover the pointer is there; null: it has left
 * @property {() => boolean} pans whether a drag moves the image, because a key is held
 */

/** Bits of `buttons`: a pen's eraser, the right button of a mouse. */
const ERASERS = 32 | 2;
/** A mouse's wheel, pressed. */
const WHEEL = 4;
/** How much a pixel of the wheel zooms; fingers on a trackpad send smaller numbers, with Ctrl. */
const [WHEEL_ZOOM, PINCH_ZOOM] = [0.0015, 0.01];
/** Pixels of a line and of a page, for wheels that count in them. */
const UNITS = [1, 16, 400];

/**
 * @param {HTMLElement} stage
 * @param {Handlers} handlers
 */
export function watchPointers(stage, handlers) {
  /** Fingers on the stage, by the pointer's number. @type {Map<number, Point>} */
  const fingers = new Map();
  /** The pointer that paints, and the one that moves the image; −1 is none. */
  let [painter, mover] = [-1, -1];
  /** @type {Point} where the mover was */
  let last = { x: 0, y: 0 };
  /** Whether fingers were two: until all are lifted, none paints. */
  let pinched = false;

  /** @param {{ clientX: number, clientY: number }} event @returns {Point} */
  function place({ clientX, clientY }) {
    const { left, top } = stage.getBoundingClientRect();
    return { x: clientX - left - stage.clientLeft, y: clientY - top - stage.clientTop };
  }

  const pressureOf = (/** @type {PointerEvent} */ { pointerType, pressure }) =>
    pointerType === "pen" && pressure > 0 ? pressure : 1;

  function stop() {
    if (painter >= 0) handlers.onCancel();
    painter = -1;
  }

  /** Moves and zooms by two fingers. @param {number} id @param {Point} now */
  function pinch(id, now) {
    const before = [...fingers.values()];
    fingers.set(id, now);
    const after = [...fingers.values()];
    const [was, is] = [before, after].map(([a, b]) => {
      const [p, q] = [a ?? now, b ?? now];
      const middle = { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
      return { middle, apart: Math.max(1, Math.hypot(p.x - q.x, p.y - q.y)) };
    });
    if (!was || !is) return;
    handlers.onPan({ x: is.middle.x - was.middle.x, y: is.middle.y - was.middle.y });
    handlers.onZoom(is.apart / was.apart, is.middle);
  }

  stage.addEventListener("pointerdown", (event) => {
    const { pointerId: id, pointerType, buttons } = event;
    const at = place(event);
    // Before: the focus would show the cursor of the keyboard.
    stage.focus({ preventScroll: true });
    event.preventDefault();
    if (pointerType === "touch") {
      // A hand that rests on the screen beside its pen.
      if (painter >= 0 && !fingers.has(painter)) return;
      fingers.set(id, at);
      stage.setPointerCapture(id);
      if (fingers.size > 1) {
        stop();
        pinched = true;
        return;
      }
    } else if (painter >= 0 || mover >= 0) return;
    stage.setPointerCapture(id);
    if (buttons & WHEEL || handlers.pans()) {
      [mover, last] = [id, at];
      return;
    }
    if (pinched) return;
    painter = id;
    handlers.onBegin(at, pressureOf(event), (buttons & ERASERS) !== 0);
  });

  stage.addEventListener("pointermove", (event) => {
    const { pointerId: id, pointerType } = event;
    const at = place(event);
    if (pointerType !== "touch" || id === painter) handlers.onHover(at);
    if (id === painter) {
      // Between two frames a pen has been at many places.
      const all = event.getCoalescedEvents();
      for (const one of all.length ? all : [event]) handlers.onMove(place(one), pressureOf(one));
      if (fingers.has(id)) fingers.set(id, at);
    } else if (id === mover) {
      handlers.onPan({ x: at.x - last.x, y: at.y - last.y });
      last = at;
    } else if (fingers.has(id) && fingers.size === 2) pinch(id, at);
    else if (fingers.has(id)) fingers.set(id, at);
  });

  /** @param {PointerEvent} event */
  function lift({ type, pointerId: id }) {
    fingers.delete(id);
    if (!fingers.size) pinched = false;
    if (id === mover) mover = -1;
    if (id !== painter) return;
    if (type === "pointercancel") return stop();
    painter = -1;
    handlers.onEnd();
  }
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"]))
    stage.addEventListener(kind, lift);
  stage.addEventListener("pointerleave", () => handlers.onHover(null));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (UNITS[event.deltaMode] ?? 1);
      const rate = event.ctrlKey ? PINCH_ZOOM : WHEEL_ZOOM;
      handlers.onZoom(Math.exp(-pixels * rate), place(event));
    },
    { passive: false },
  );

  return {
    /** Forgets all pointers: the painter was closed. */
    end() {
      stop();
      fingers.clear();
      mover = -1;
      pinched = false;
    },
  };
}
