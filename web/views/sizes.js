// Sizes: three shapes of the model's own area, and any multiple of its factor.

import { say } from "../strings.js";
import { anyById, byId, chip } from "./dom.js";

/** @param {() => void} onChange */
export function createSizes(onChange) {
  const width = byId("width", HTMLInputElement);
  const height = byId("height", HTMLInputElement);
  const box = anyById("sizes");
  for (const input of [width, height]) input.addEventListener("input", show);

  function show() {
    const shown = [width, height].map((input) => input.value.trim() || input.placeholder);
    for (const one of box.querySelectorAll("button")) {
      one.ariaPressed = String(one.dataset["size"] === shown.join("x"));
    }
  }

  return {
    show,

    /**
     * @param {number} factor
     * @param {number} w of a request that names none
     * @param {number} h
     */
    describe(factor, w, h) {
      for (const [input, side] of /** @type {const} */ ([[width, w], [height, h]])) {
        input.placeholder = String(side);
        input.dataset["step"] = input.dataset["min"] = String(factor);
      }
      const long = Math.round((Math.max(w, h) * 1.5) / factor) * factor;
      const shapes = /** @type {const} */ ([[w, h], [w, long], [long, h]]);
      const chips = shapes.map(([across, down]) => {
        const one = chip(say.size(across, down), () => {
          const usual = across === w && down === h;
          width.value = usual ? "" : String(across);
          height.value = usual ? "" : String(down);
          show();
          onChange();
        });
        one.dataset["size"] = `${across}x${down}`;
        return one;
      });
      box.replaceChildren(...chips);
      show();
    },
  };
}
