// The small image of the start image in the form, with its mask in red.

import { redOver } from "../edit/colours.js";
import { readMask, scaled } from "../edit/files.js";
import { say } from "../strings.js";
import { byId } from "../dom.js";

/** Its longer side, in pixels of the page. */
const SMALL = 160;

export function createSmall() {
  const canvas = byId("initial-small", HTMLCanvasElement);
  /** @type {{ canvas: OffscreenCanvas, width: number, height: number } | null} */
  let shown = null;
  const draw = () => shown && canvas.getContext("2d")?.drawImage(shown.canvas, 0, 0);

  return {
    /**
     * Decodes a file; resolves to a function that shows it. Rejects if it is no image.
     * @param {Blob} file
     */
    async read(file) {
      const made = await scaled(file, (width, height) => {
        const scale = Math.min(1, SMALL / Math.max(width, height));
        const side = (/** @type {number} */ of) => Math.max(1, Math.round(of * scale));
        return { width: side(width), height: side(height) };
      });
      return () => {
        shown = made;
        [canvas.width, canvas.height] = [made.width, made.height];
        draw();
        canvas.ariaLabel = say.startImageSize(made.own.width, made.own.height);
      };
    },

    /** Shows the mask in a file over it; without a file none. @param {Blob | undefined} file */
    async mask(file) {
      const on = shown;
      if (!on) return;
      const { width, height } = on;
      const bytes = file && (await readMask(file, on));
      if (on !== shown) return;
      draw();
      if (!bytes) return;
      const over = new OffscreenCanvas(width, height);
      const red = redOver(bytes, width, { x: 0, y: 0, width, height });
      over.getContext("2d")?.putImageData(new ImageData(red, width, height), 0, 0);
      canvas.getContext("2d")?.drawImage(over, 0, 0);
    },
  };
}
