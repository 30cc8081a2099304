// The size of the image: buttons for some aspect ratios, with the shorter side of the model's
// default size; any multiple of the model's factor; a warning if a size is far above the default,
// or another one than a small model knows.

import { say } from "../strings.js";
import { anyById, button, byId, chip, onPress } from "../dom.js";

/** The warning's bound, as a multiple of the pixels of the model's default size. */
const LARGE = 4;
/** The longest side that a picture gives, as a multiple of the model's own longer side. */
const TIMES = 2;

/** @param {() => void} onChange */
export function createSizes(onChange) {
  const width = byId("width", HTMLInputElement);
  const height = byId("height", HTMLInputElement);
  const box = anyById("sizes");
  const warning = anyById("size-warning");
  /** The model's default size, and the number that sides must be multiples of. */
  let [own, factor] = [[0, 0], 1];
  /** Whether the model draws its default size alone. */
  let isFixed = false;

  /** The side that will be used. @param {HTMLInputElement} input */
  const side = (input) => input.value.trim() || input.placeholder;

  function show() {
    const sides = [width, height].map(side);
    for (const one of box.querySelectorAll("button")) {
      one.ariaPressed = String(one.dataset["size"] === sides.join("x"));
    }
    const [w = 0, h = 0] = own;
    const times = (Number(sides[0]) * Number(sides[1])) / (w * h);
    warning.hidden = isFixed ? sides.join() === own.join() : !(times > LARGE);
    const text = isFixed ? say.onlySize(w, h) : say.large(w, h, Math.round(times));
    anyById("size-warning-text").textContent = warning.hidden ? "" : text;
    button("size-usual").textContent = say.usualSize(w, h);
  }

  /** Rounds typed numbers to the nearest multiple that the model can do. */
  function round() {
    for (const input of [width, height]) {
      const value = Number(input.value);
      if (!input.value.trim() || !(value > 0 && value < 1e6)) continue;
      input.value = String(Math.max(1, Math.round(value / factor)) * factor);
    }
    show();
  }

  /** @param {string} w @param {string} h */
  function set(w, h) {
    [width.value, height.value] = [w, h];
    show();
    onChange();
  }

  for (const input of [width, height]) {
    input.addEventListener("input", show);
    input.addEventListener("change", () => {
      round();
      onChange();
    });
  }
  onPress("size-usual", () => set("", ""));

  return {
    show,
    round,

    /**
     * Chooses the size of a picture, as near as the model can; none where that is far too large.
     * @param {number} w
     * @param {number} h
     */
    follow(w, h) {
      if (Math.max(w, h) > TIMES * Math.max(...own)) return;
      set(String(w), String(h));
      round();
    },

    /**
     * Adapts the buttons to a model.
     * @param {number} multiple
     * @param {number} w default width
     * @param {number} h
     * @param {boolean} only whether it draws that size alone
     */
    describe(multiple, w, h, only) {
      [own, factor, isFixed] = [[w, h], multiple, only];
      for (const [input, side] of /** @type {const} */ ([
        [width, w],
        [height, h],
      ])) {
        input.placeholder = String(side);
        input.dataset["step"] = input.dataset["min"] = String(factor);
      }
      const short = Math.min(w, h);
      const long = (/** @type {number} */ by) => Math.round((short * by) / factor) * factor;
      const shapes = /** @type {const} */ ([
        [w === h ? "1:1" : "", w, h],
        ["2:3", short, long(1.5)],
        ["3:2", long(1.5), short],
        ["9:16", short, long(16 / 9)],
        ["16:9", long(16 / 9), short],
      ]);
      const chips = shapes.map(([name, across, down]) => {
        const usual = across === w && down === h;
        const one = chip(say.size(name, across, down), () =>
          usual ? set("", "") : set(String(across), String(down)),
        );
        one.dataset["size"] = `${across}x${down}`;
        return one;
      });
      box.replaceChildren(...chips);
      show();
    },
  };
}
