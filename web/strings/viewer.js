// Texts of the viewer of one image.

export const viewerText = {
  zoomIn: () => "Zoom in",
  zoomOut: () => "Zoom out",
  fitSign: () => "Fit",
  fit: () => "Fit: the whole image",
  fullSign: () => "Full",
  full: () => "Full screen",
  zoom: (/** @type {number} */ percent) => `${percent} %`,
  tools: () => "Zoom",
  place: (/** @type {number} */ at, /** @type {number} */ count) => `Image ${at} of ${count}`,
  keys: () => "Keys",
  keysList: () =>
    "Left and right, Home and End: another image. + and − zoom, 0 shows the whole image. While " +
    "it is enlarged, the arrows move it; Page Up and Page Down show another one. The wheel, two " +
    "fingers and a double click zoom; a drag moves the enlarged image, a swipe shows another. " +
    "Ctrl+C copies the image, Delete deletes it, Escape closes.",
};
