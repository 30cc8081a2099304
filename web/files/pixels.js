// Any picture that the browser can read, as pixels for the engine.

/** @typedef {import("../engine/protocol.js").Pixels} Pixels */

/**
 * The pixels of a file. Colours are taken as they stand in it.
 * @param {Blob} file
 * @returns {Promise<Pixels>} of its own size
 * @throws {Error} for what is no picture
 */
export async function pixelsOf(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, rgba: data };
}
