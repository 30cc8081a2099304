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

/** The pressure of a pen, 1 for all others. @param {PointerEvent} event */
const pressureOf = ({ pointerType, pressure }) =>
  pointerType === "pen" && pressure > 0 ? pressure : 1;

export class Pointers {
  #stage;
  #handlers;
  /** Fingers on the stage, by the pointer's number. @type {Map<number, Point>} */
  #fingers = new Map();
  /** The pointer that paints; −1 is none. */
  #painter = -1;
  /** The pointer that moves the image, and where it was. */
  #mover = -1;
  #last = { x: 0, y: 0 };
  /** Whether fingers were two: until all are lifted, none paints. */
  #pinched = false;

  /**
   * @param {HTMLElement} stage
   * @param {Handlers} handlers
   */
  constructor(stage, handlers) {
    this.#stage = stage;
    this.#handlers = handlers;
    stage.addEventListener("pointerdown", (event) => {
      // The focus that the browser would give might show the cursor of the keyboard.
      event.preventDefault();
      stage.focus({ preventScroll: true });
      this.#press(event);
    });
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"]))
      stage.addEventListener(kind, (event) => this.#lift(event));
    stage.addEventListener("pointerleave", () => handlers.onHover(null));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
  }

  /** Forgets all pointers: the painter was closed. */
  end() {
    this.#stop();
    this.#fingers.clear();
    this.#mover = -1;
    this.#pinched = false;
  }

  /** A point of the stage. @param {{ clientX: number, clientY: number }} event @returns {Point} */
  #place({ clientX, clientY }) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return { x: clientX - left - this.#stage.clientLeft, y: clientY - top - this.#stage.clientTop };
  }

  /** Takes back the stroke that is being painted. */
  #stop() {
    if (this.#painter >= 0) this.#handlers.onCancel();
    this.#painter = -1;
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const { pointerId: id, pointerType, buttons } = event;
    const at = this.#place(event);
    if (pointerType === "touch") {
      // A hand that rests on the screen beside its pen.
      if (this.#painter >= 0 && !this.#fingers.has(this.#painter)) return;
      this.#fingers.set(id, at);
    } else if (this.#painter >= 0 || this.#mover >= 0) return;
    this.#stage.setPointerCapture(id);
    if (this.#fingers.size > 1) {
      this.#stop();
      this.#pinched = true;
    } else if (buttons & WHEEL || this.#handlers.pans()) {
      [this.#mover, this.#last] = [id, at];
    } else if (!this.#pinched) {
      this.#painter = id;
      this.#handlers.onBegin(at, pressureOf(event), (buttons & ERASERS) !== 0);
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { pointerId: id, pointerType } = event;
    const at = this.#place(event);
    if (pointerType !== "touch" || id === this.#painter) this.#handlers.onHover(at);
    if (id === this.#painter) {
      // Between two frames a pen has been at many places.
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length ? all : [event])
        this.#handlers.onMove(this.#place(one), pressureOf(one));
    } else if (id === this.#mover) {
      this.#handlers.onPan({ x: at.x - this.#last.x, y: at.y - this.#last.y });
      this.#last = at;
    } else if (this.#fingers.size === 2 && this.#fingers.has(id)) this.#pinch(id, at);
    if (this.#fingers.has(id)) this.#fingers.set(id, at);
  }

  /** Moves and zooms by two fingers; one has moved. @param {number} id @param {Point} at */
  #pinch(id, at) {
    const [was, is] = [this.#fingers, new Map([...this.#fingers, [id, at]])].map((fingers) => {
      const [p = at, q = at] = fingers.values();
      const middle = { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
      return { middle, apart: Math.max(1, Math.hypot(p.x - q.x, p.y - q.y)) };
    });
    if (!was || !is) return;
    this.#handlers.onPan({ x: is.middle.x - was.middle.x, y: is.middle.y - was.middle.y });
    this.#handlers.onZoom(is.apart / was.apart, is.middle);
  }

  /** @param {PointerEvent} event */
  #lift({ type, pointerId: id }) {
    this.#fingers.delete(id);
    if (!this.#fingers.size) this.#pinched = false;
    if (id === this.#mover) this.#mover = -1;
    if (id !== this.#painter) return;
    if (type === "pointercancel") return this.#stop();
    this.#painter = -1;
    this.#handlers.onEnd();
  }

  /** @param {WheelEvent} event */
  #turn(event) {
    event.preventDefault();
    const pixels = event.deltaY * (UNITS[event.deltaMode] ?? 1);
    const rate = event.ctrlKey ? PINCH_ZOOM : WHEEL_ZOOM;
    this.#handlers.onZoom(Math.exp(-pixels * rate), this.#place(event));
  }
}
