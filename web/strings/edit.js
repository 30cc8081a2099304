// Texts of editing: the mask of a start image, its settings, extending a picture.

/** @param {number} share 0 to 1 */
const percent = (share) => {
  const value = 100 * share;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
};

/** Above the painter: of a mask, and of a drawing. */
export const maskTexts = {
  title: "Paint a mask",
  hint: "What is red is made anew; the rest of the picture stays.",
};
export const drawingTexts = {
  title: "Draw a control picture",
  hint: "What is red here is white in the control picture, the rest is black.",
};

export const editText = {
  pixels: (/** @type {number} */ count) => `${count} px`,
  /**
   * Where the painter's cursor is, and what is masked.
   * @param {{ x: number, y: number }} cursor
   * @param {{ width: number, height: number }} size
   * @param {{ share: number, empty: boolean }} masked
   */
  status: ({ x, y }, { width, height }, { share, empty }) =>
    `Cursor at ${Math.round(x)}, ${Math.round(y)} of ${width} × ${height}. ` +
    (empty ? "Nothing is masked." : `${percent(share)} of the picture is made anew.`),
  paint: (/** @type {boolean} */ masked) => (masked ? "Edit mask…" : "Paint mask…"),
  back: (/** @type {number} */ count) => `Previous start image (${count})`,
  noMaskFile: () => "The mask is no longer kept here. Paint it again, or discard it.",
  maskGone: () => "The mask is no longer kept here: the whole picture is made anew.",
  /** What the masked part begins with. @param {string} content */
  content: (content) =>
    content === "noise"
      ? "The masked part begins with noise: a strength near 1 suits it."
      : "The masked part begins with what is there: the strength says how far it may change.",
  /**
   * What a model needs that makes images of images only.
   * @param {string} purpose
   * @param {boolean} started whether there is a start image
   * @param {boolean} masked
   */
  purpose: (purpose, started, masked) => {
    if (purpose === "edit")
      return started
        ? "This model changes the start image as the prompt says."
        : "This model changes an image as the prompt says: choose a start image.";
    if (purpose === "inpaint" && !(started && masked))
      return started
        ? "This model fills in a part of the start image: paint a mask."
        : "This model fills in a part of an image: choose a start image, and paint a mask.";
    return "";
  },
  before: (/** @type {number} */ share) =>
    share === 0 ? "after" : share === 100 ? "before" : `${share} % before`,
  wrongSides: (/** @type {number} */ most) =>
    `Each side takes a whole number of pixels from 0 to ${most}.`,
  noSides: () => "Type how many pixels to add at a side.",
  extended: (/** @type {number} */ width, /** @type {number} */ height) =>
    `The picture has ${width} × ${height} pixels now; the new ones are masked.`,
  extendedLate: () =>
    "The extended picture was not used: meanwhile the start image has changed, or was painted on.",
  noPainter: (/** @type {string} */ reason) => `The painter could not be loaded: ${reason}`,
  notExtended: (/** @type {string} */ reason) => `The picture could not be extended: ${reason}`,
  noMask: (/** @type {string} */ name, /** @type {string} */ reason) =>
    `${name} cannot be a mask (${reason}).`,
};
