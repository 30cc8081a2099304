// Puts an image on the clipboard, as a PNG file.

/** Whether this browser can. */
export const canCopy = () => "ClipboardItem" in globalThis && !!navigator.clipboard?.write;

/**
 * Copies an image. It must begin while a click or a key is handled: some browsers allow it only
 * then, so the file may still be on its way.
 * @param {Blob | Promise<Blob>} png
 */
export const copyImage = (png) =>
  navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
