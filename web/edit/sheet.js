// What the painter's stage shows: the image, the mask in red over it, the ring of the brush. Only
// what has changed of the mask is drawn again, once a frame.

import { anyById, byId } from "../dom.js";
import { redOver } from "./colours.js";
import { union } from "./mask.js";
import { fit, pan, reveal, toImage, zoomAt } from "./zoom.js";

/** @typedef {import("./history.js").Rect} Rect */
/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./zoom.js").Point} Point */

/** From so many pixels of the page for one of the image, pixels are shown sharp. */
const SHARP = 3;
/** The least width of the ring, in pixels of the page. */
const RING_MIN = 6;

export function createSheet() {
  const stage = anyById("editor-stage");
  const sheet = anyById("editor-sheet");
  const ring = anyById("editor-ring");
  const picture = byId("editor-image", HTMLCanvasElement);
  const over = byId("editor-mask", HTMLCanvasElement);
  /** @type {Mask | null} */
  let mask = null;
  let view = { scale: 1, x: 0, y: 0 };
  /** Whether the whole image is shown, and stays so when the stage changes its size. */
  let whole = true;
  /** What of the mask is to be drawn. @type {Rect | null} */
  let stale = null;
  let frame = 0;
  /** Where the ring is, in pixels of the mask, and how wide; hidden without it. */
  let [at, size] = [/** @type {Point | null} */ (null), 1];

  const room = () => ({ width: stage.clientWidth, height: stage.clientHeight });

  function place() {
    sheet.style.setProperty(
      "transform",
      `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
    );
    sheet.classList.toggle("pixels", view.scale >= SHARP);
    ring.hidden = !at;
    if (!at) return;
    const wide = Math.max(RING_MIN, size * view.scale);
    const [x, y] = [view.x + at.x * view.scale, view.y + at.y * view.scale];
    ring.style.setProperty("width", `${wide}px`);
    ring.style.setProperty("height", `${wide}px`);
    ring.style.setProperty("transform", `translate(${x - wide / 2}px, ${y - wide / 2}px)`);
  }

  function draw() {
    frame = 0;
    if (!mask || !stale) return;
    const { x, y, width, height } = stale;
    const pixels = new ImageData(redOver(mask.bytes, mask.width, stale), width, height);
    over.getContext("2d")?.putImageData(pixels, x, y);
    stale = null;
  }

  /** @param {(of: Mask) => import("./zoom.js").View} change */
  function look(change) {
    if (!mask || !stage.clientWidth) return;
    view = change(mask);
    whole = view.scale === fit(room(), mask).scale;
    place();
  }

  const refit = () =>
    look((of) => (whole ? fit(room(), of) : pan(view, { x: 0, y: 0 }, room(), of)));
  new ResizeObserver(refit).observe(stage);

  return {
    /**
     * Shows an image and its mask.
     * @param {CanvasImageSource} image in the size of the mask
     * @param {Mask} shown
     */
    open(image, shown) {
      mask = shown;
      for (const canvas of [picture, over])
        [canvas.width, canvas.height] = [shown.width, shown.height];
      picture.getContext("2d")?.drawImage(image, 0, 0);
      whole = true;
      this.draw(shown.whole);
      refit();
    },

    /** Frees the canvases' memory. */
    close() {
      mask = stale = null;
      for (const canvas of [picture, over]) canvas.width = canvas.height = 1;
    },

    /** A part of the mask has changed. @param {Rect | null} rect */
    draw(rect) {
      stale = union(stale, rect);
      if (stale) frame ||= requestAnimationFrame(draw);
    },

    /** Shows the ring there, or hides it. @param {Point | null} point @param {number} wide */
    ring(point, wide) {
      [at, size] = [point, wide];
      place();
    },

    /** The point of the mask under a point of the stage. @param {Point} point */
    toMask: (point) => toImage(view, point),

    fit() {
      whole = true;
      refit();
    },

    /** @param {Point} by */
    pan: (by) => look((of) => pan(view, by, room(), of)),

    /** @param {number} factor @param {Point} [point] of the stage; its middle without it */
    zoom(factor, point) {
      const { width, height } = room();
      const on = point ?? { x: width / 2, y: height / 2 };
      look((of) => zoomAt(view, factor, on, room(), of));
    },

    /** Moves the image so that a point of it is seen. @param {Point} point */
    reveal: (point) => look((of) => reveal(view, point, room(), of)),
  };
}
