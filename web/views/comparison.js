// Two images on top of each other: a slider shows more of the one or of the other. If they have the
// same size, their PSNR is shown too. Loaded when it is first opened.

import { pixelsOf } from "../files/pixels.js";
import { say } from "../strings.js";
import { imageFile } from "../storage/images.js";
import { anyById, byId, onPress } from "../dom.js";
import { SMALL, facts } from "./picture.js";
import { imageAddress, imageName } from "./thumbnails.js";

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

/** @type {ReturnType<typeof createComparison> | null} */
let comparison = null;

/** The page's only one. @param {() => void} onClose */
export const theComparison = (onClose) => (comparison ??= createComparison(onClose));

/** @param {() => void} onClose */
function createComparison(onClose) {
  const dialog = byId("comparison", HTMLDialogElement);
  const slider = byId("comparison-slider", HTMLInputElement);
  const second = byId("comparison-second", HTMLImageElement);

  slider.addEventListener("input", () => second.style.setProperty("--at", `${slider.value}%`));
  onPress("comparison-close", () => dialog.close());
  dialog.addEventListener("close", onClose);

  return {
    /**
     * @param {SavedImage} a
     * @param {SavedImage} b
     */
    async open(a, b) {
      for (const [place, saved] of /** @type {const} */ ([
        ["first", a],
        ["second", b],
      ])) {
        const image = byId(`comparison-${place}`, HTMLImageElement);
        const { request, width, height, seconds } = saved;
        image.src = await imageAddress(saved.id);
        image.alt = imageName(saved);
        image.classList.toggle("pixels", Math.max(width, height) < SMALL);
        const text = `${imageName(saved)} · ${facts(request, width, height, seconds)}`;
        anyById(`comparison-${place}-text`).textContent = text;
      }
      slider.value = "50";
      second.style.setProperty("--at", "50%");
      const same = a.width === b.width && a.height === b.height;
      const psnr = same ? peakRatio(await pixels(a), await pixels(b)) : NaN;
      anyById("comparison-facts").textContent = say.likeness(same, psnr);
      dialog.showModal();
    },
  };
}

/** @param {SavedImage} saved */
async function pixels({ id }) {
  const file = await imageFile(id);
  return file ? (await pixelsOf(file)).rgba : new Uint8ClampedArray();
}

/**
 * Peak signal-to-noise ratio in dB over red, green and blue; infinite for equal images.
 * @param {Uint8ClampedArray} a
 * @param {Uint8ClampedArray} b
 */
export function peakRatio(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    if (i % 4 !== 3) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / (sum / ((a.length / 4) * 3)));
}
