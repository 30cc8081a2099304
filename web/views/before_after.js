// Before and after: the start image over the image that was made of it, from the left edge as far
// as a slider says.

import { scaled } from "../edit/files.js";
import { startImageFile } from "../storage/start_images.js";
import { editText } from "../strings/edit.js";

/** @typedef {{ initial?: string | undefined, width: number, height: number }} Made */

/**
 * @param {object} parts
 * @param {HTMLElement} parts.box the slider with its label
 * @param {HTMLInputElement} parts.slider
 * @param {HTMLElement} parts.before the start image; it lies over the image
 * @param {(canvas: OffscreenCanvas) => void | Promise<void>} parts.draw draws it, in the size of
 * the image
 */
export function createBeforeAfter({ box, slider, before, draw }) {
  /** Counts images: one that is decoded after a later one is not shown. */
  let images = 0;

  function move() {
    before.style.setProperty("--at", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", editText.before(Number(slider.value)));
  }
  slider.addEventListener("input", move);

  /** @param {boolean} shown */
  function show(shown) {
    box.hidden = before.hidden = !shown;
    slider.value = "0";
    move();
  }

  return {
    /**
     * Shows the start image of an image; nothing if it had none, or that is no longer stored.
     * @param {Made} made
     */
    async open({ initial = "", width, height }) {
      const mine = ++images;
      show(false);
      const file = initial ? await startImageFile(initial).catch(() => undefined) : undefined;
      const found = file && (await scaled(file, () => ({ width, height })).catch(() => null));
      if (mine !== images || !found) return;
      await draw(found.canvas);
      if (mine === images) show(true);
    },
  };
}
