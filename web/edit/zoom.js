// How an image lies on the stage of the painter: its scale, and where its upper left corner is, in
// pixels of the page. A point of the image is at `x + scale · column`.

/** @typedef {{ scale: number, x: number, y: number }} View */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number }} Point */

/** How far beyond the whole image one can zoom in, and the least scale that one can reach. */
const TIMES_MAX = 16;
const SCALE_MAX = 8;

/** The scale at which the whole image is seen. @param {Size} stage @param {Size} image */
const whole = (stage, image) => Math.min(stage.width / image.width, stage.height / image.height);

/**
 * The whole image, as large as the stage allows, in its middle.
 * @param {Size} stage
 * @param {Size} image
 * @returns {View}
 */
export function fit(stage, image) {
  return settle({ scale: whole(stage, image), x: 0, y: 0 }, stage, image);
}

/**
 * Zooms by a factor; the point of the image that lies under `at` stays there.
 * @param {View} view
 * @param {number} factor
 * @param {Point} at on the stage
 * @param {Size} stage
 * @param {Size} image
 * @returns {View}
 */
export function zoomAt(view, factor, at, stage, image) {
  const least = whole(stage, image);
  const most = Math.max(SCALE_MAX, least * TIMES_MAX);
  const scale = Math.min(most, Math.max(least, view.scale * factor));
  const times = scale / view.scale;
  const moved = { scale, x: at.x - (at.x - view.x) * times, y: at.y - (at.y - view.y) * times };
  return settle(moved, stage, image);
}

/**
 * Moves the image.
 * @param {View} view
 * @param {Point} by
 * @param {Size} stage
 * @param {Size} image
 * @returns {View}
 */
export function pan(view, by, stage, image) {
  return settle({ ...view, x: view.x + by.x, y: view.y + by.y }, stage, image);
}

/**
 * Moves the image so little that a point of it comes into sight.
 * @param {View} view
 * @param {Point} point of the image
 * @param {Size} stage
 * @param {Size} image
 * @returns {View}
 */
export function reveal(view, point, stage, image) {
  const into = (/** @type {number} */ at, /** @type {number} */ room) => {
    const margin = Math.min(24, room / 4);
    return Math.max(margin - at, 0) + Math.min(room - margin - at, 0);
  };
  const by = {
    x: into(view.x + view.scale * point.x, stage.width),
    y: into(view.y + view.scale * point.y, stage.height),
  };
  return pan(view, by, stage, image);
}

/** The point of the image under a point of the stage. @param {View} view @param {Point} at */
export const toImage = (view, at) => ({
  x: (at.x - view.x) / view.scale,
  y: (at.y - view.y) / view.scale,
});

/**
 * In the middle where the image is smaller than the stage; elsewhere no empty space beside it.
 * @param {View} view
 * @param {Size} stage
 * @param {Size} image
 * @returns {View}
 */
function settle({ scale, x, y }, stage, image) {
  const along = (
    /** @type {number} */ at,
    /** @type {number} */ room,
    /** @type {number} */ side,
  ) => (side <= room ? (room - side) / 2 : Math.min(0, Math.max(room - side, at)));
  return {
    scale,
    x: along(x, stage.width, image.width * scale),
    y: along(y, stage.height, image.height * scale),
  };
}
