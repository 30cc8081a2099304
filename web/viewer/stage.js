// The picture of the viewer: zoom, and its place while it is enlarged. The layout shows it whole;
// a transform of scale s and offset (x, y) about its upper left corner enlarges it from there.

/** @typedef {{ scale: number, x: number, y: number }} View */
/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ left: number, top: number, width: number, height: number }} Box */

/** How large a pixel of the image may become, in pixels of the page. */
const PIXEL_MAX = 8;
/** The factor of one press of a key or button. */
export const STEP = 1.5;

/** The whole image. @type {View} */
const WHOLE = { scale: 1, x: 0, y: 0 };

/**
 * A view within bounds: along a side that has room for it, the image is in the middle; along
 * another it leaves no empty space.
 * @param {View} view
 * @param {Box} box where the layout has the whole image, on the stage
 * @param {{ width: number, height: number }} stage
 * @returns {View}
 */
export function settle({ scale, x, y }, box, stage) {
  if (scale <= 1) return WHOLE;
  const along = (
    /** @type {number} */ at,
    /** @type {number} */ start,
    /** @type {number} */ side,
    /** @type {number} */ room,
  ) => {
    const size = side * scale;
    if (size <= room) return (room - size) / 2 - start;
    return Math.min(-start, Math.max(room - size - start, at));
  };
  return {
    scale,
    x: along(x, box.left, box.width, stage.width),
    y: along(y, box.top, box.height, stage.height),
  };
}

/**
 * Zooms to a scale; the point of the image under `at` stays there.
 * @param {View} view
 * @param {number} scale
 * @param {Point} at on the stage
 * @param {Box} box
 */
export function zoomTo(view, scale, at, box) {
  const times = scale / view.scale;
  const [left, top] = [box.left + view.x, box.top + view.y];
  return {
    scale,
    x: at.x - (at.x - left) * times - box.left,
    y: at.y - (at.y - top) * times - box.top,
  };
}

export class Stage {
  #stage;
  #image;
  #others;
  #onZoom;
  #view = WHOLE;

  /**
   * @param {HTMLElement} stage
   * @param {HTMLImageElement} image
   * @param {HTMLElement[]} others that lie over it
   * @param {(percent: number) => void} onZoom the zoom has changed
   */
  constructor(stage, image, others, onZoom) {
    this.#stage = stage;
    this.#image = image;
    this.#others = others;
    this.#onZoom = onZoom;
    new ResizeObserver(() => this.#set(this.#view)).observe(stage);
  }

  /** The stage is positioned, so that offsets count from its corner. @returns {Box} */
  #box() {
    const { offsetLeft: left, offsetTop: top, offsetWidth, offsetHeight } = this.#image;
    return { left, top, width: offsetWidth, height: offsetHeight };
  }

  /** @param {View} view */
  #set(view) {
    const { clientWidth: width, clientHeight: height } = this.#stage;
    this.#view = settle(view, this.#box(), { width, height });
    const { scale, x, y } = this.#view;
    const transform = scale > 1 ? `translate(${x}px, ${y}px) scale(${scale})` : "";
    for (const one of [this.#image, ...this.#others]) one.style.transform = transform;
    this.#stage.classList.toggle("zoomed", scale > 1);
  }

  /** Whether the image is enlarged. */
  zoomed = () => this.#view.scale > 1;

  /** The whole image again. */
  reset() {
    this.#set(WHOLE);
  }

  /** @param {number} scale @param {Point} [at] the middle of the stage without it */
  #to(scale, at) {
    const box = this.#box();
    if (!box.width) return;
    const most = Math.max(4, (PIXEL_MAX * this.#image.naturalWidth) / box.width);
    const { clientWidth, clientHeight } = this.#stage;
    const middle = { x: clientWidth / 2, y: clientHeight / 2 };
    const wanted = Math.min(most, Math.max(1, scale));
    this.#set(zoomTo(this.#view, wanted, at ?? middle, box));
    this.#onZoom(Math.round(this.#view.scale * 100));
  }

  /** @param {number} factor @param {Point} [at] */
  zoom(factor, at) {
    this.#to(this.#view.scale * factor, at);
  }

  /** The whole image, or its own pixels, at least twice as large. @param {Point} at */
  toggle(at) {
    const own = this.#image.naturalWidth / (devicePixelRatio * this.#box().width || 1);
    this.#to(this.zoomed() ? 1 : Math.max(2, own), at);
  }

  /** @param {number} x @param {number} y in pixels of the page */
  pan(x, y) {
    this.#set({ ...this.#view, x: this.#view.x + x, y: this.#view.y + y });
  }
}
