// Texts of the viewer of one image.

export const viewerText = {
  copyImage: () => "Copy image",
  imageGone: () => "it is no longer kept here",
  star: () => "Favourite",
  starred: () => "★ Favourite",
  negativePrompt: (/** @type {string} */ text) => `negative prompt “${text}”`,
  madeBy: (/** @type {import("../engine/protocol.js").Provenance} */ model) =>
    [
      model.title,
      model.revision ? `revision ${model.revision.slice(0, 8)}` : "",
      model.sha256 ? `SHA-256 ${model.sha256.slice(0, 10)}…` : "",
    ]
      .filter(Boolean)
      .join(" · "),
  template: () => "Made from the template:",
  useTemplate: () => "Use the template",
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
