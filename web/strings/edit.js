// Texts of editing: the mask of a start image, its settings, extending a picture.

/** @param {number} share 0 to 1 */
const percent = (share) => {
  const value = 100 * share;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
};

export const editText = {
  pixels: (/** @type {number} */ count) => `${count} px`,
  /**
   * Where the painter's cursor is, and what is masked.
   * @param {{ x: number, y: number }} cursor
   * @param {{ width: number, height: number }} size
   * @param {[share: number, empty: boolean]} masked
   */
  status: ({ x, y }, { width, height }, [share, empty]) =>
    `Cursor at ${Math.round(x)}, ${Math.round(y)} of ${width} × ${height}. ` +
    (empty ? "Nothing is masked." : `${percent(share)} of the picture is made anew.`),
  noMask: (/** @type {string} */ name, /** @type {string} */ reason) =>
    `${name} cannot be a mask (${reason}).`,
};
