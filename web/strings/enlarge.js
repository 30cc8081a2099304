// Texts of enlarging images by an upscaler. Loaded when the first is enlarged.

import { duration } from "../strings.js";

export const enlargeText = {
  title: () => "Enlarge",
  about: () =>
    "An upscaler of the ESRGAN family makes the image larger, here on this device. The result " +
    "goes to the gallery.",
  upscaler: () => "Upscaler",
  none: () =>
    "No upscaler is stored in this browser. Import a file of ESRGAN’s or Real-ESRGAN’s kind " +
    "(.pth, .safetensors), or drop it here.",
  importIt: () => "Import a file…",
  size: (/** @type {number} */ width, /** @type {number} */ height) =>
    `The image has ${width} × ${height} pixels.`,
  start: () => "Enlarge",
  cancel: () => "Cancel",
  close: () => "Close",
  busy: () => "Something else runs: wait until it has ended, or cancel it.",
  begin: () => "Opening the upscaler…",
  cancelled: () => "Cancelled.",
  /** @param {number} width @param {number} height @param {number} seconds */
  done: (width, height, seconds) =>
    `Enlarged to ${width} × ${height} pixels in ${duration(seconds)}.`,
  progress: () => "Progress of enlarging",
};
