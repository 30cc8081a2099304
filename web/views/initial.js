// The picture that the next one begins with: chosen, dropped or pasted, seen small, taken away; and
// how far from it to go.

import { pixelsOf } from "../files/pixels.js";
import { initialFile, keepInitial } from "../storage/initials.js";
import { say } from "../strings.js";
import { anyById, byId, onPress } from "../dom.js";

/** The longer side of the small picture, in pixels of the page. */
const SMALL = 160;

/** @param {{ onChange: () => void, onFault: (error: unknown) => void }} handlers */
export function createInitial({ onChange, onFault }) {
  const box = anyById("initial-box");
  const input = byId("initial-file", HTMLInputElement);
  const strength = byId("strength", HTMLInputElement);
  const hint = anyById("initial-hint");
  /** The number of the picture; empty without one. */
  let chosen = "";
  /** Whether a request that was filled in began with a picture that is not here. */
  let missing = false;
  /** The latest wish; an older one that ends later is no longer of interest. */
  let asked = 0;

  function show() {
    box.hidden = !chosen;
    anyById("initial-choose").hidden = !!chosen;
    byId("strength-value", HTMLOutputElement).value = strength.value;
    hint.hidden = !missing;
    hint.textContent = missing ? say.initialMissing() : "";
  }

  /**
   * @param {() => Promise<{ file: Blob, keep: () => string | Promise<string> }>} find
   * @param {string} name for complaints
   * @returns {Promise<boolean>} whether it is the picture to begin with now
   */
  async function choose(find, name) {
    const mine = ++asked;
    try {
      const { file, keep } = await find();
      // What is no picture is not kept.
      const paint = await draw(file);
      const number = await keep();
      if (mine !== asked) return false;
      paint();
      chosen = number;
      missing = false;
      show();
      onChange();
      return true;
    } catch (error) {
      const reason = /** @type {Error} */ (error).message;
      if (mine !== asked) return false;
      clear();
      onFault(new Error(say.notAPicture(name, reason)));
      return false;
    }
  }

  onFile(input, take);
  strength.addEventListener("input", show);
  onPress("initial-remove", () => {
    clear();
    onChange();
    input.focus();
  });
  show();

  /** @param {File} file */
  function take(file) {
    return choose(async () => ({ file, keep: () => keepInitial(file) }), file.name);
  }

  function clear() {
    asked += 1;
    chosen = "";
    missing = false;
    show();
  }

  return {
    take,
    clear,
    show,

    /**
     * The picture with this number; nothing for an empty one.
     * @param {string} number
     */
    use(number) {
      if (number === chosen) return;
      if (!number) return clear();
      chosen = number;
      show();
      const find = async () => {
        const file = await initialFile(number);
        if (!file) throw new Error(say.initialGone());
        return { file, keep: () => number };
      };
      void choose(find, say.initial());
    },

    focus: () => strength.focus(),

    /** A request was filled in that began with a picture, which has to be chosen again. */
    miss() {
      missing = !chosen;
      show();
    },

    /** The fields of a request that this view knows of. @returns {Record<string, string>} */
    fields() {
      if (chosen) return { initial: chosen, strength: strength.value };
      return missing ? { strength: strength.value } : {};
    },
  };
}

/**
 * @param {HTMLInputElement} input
 * @param {(file: File) => void} take
 */
function onFile(input, take) {
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) take(file);
  });
}

/**
 * Shows a file small; a file that is no picture is an error.
 * @param {Blob} file
 */
async function draw(file) {
  const small = byId("initial-small", HTMLCanvasElement);
  const { width, height, rgba } = await pixelsOf(file);
  const scale = Math.min(1, SMALL / Math.max(width, height));
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const bitmap = await createImageBitmap(new ImageData(rgba, width, height));
  return () => {
    [small.width, small.height] = [w ?? 1, h ?? 1];
    small.getContext("2d")?.drawImage(bitmap, 0, 0, small.width, small.height);
    small.ariaLabel = say.initialSize(width, height);
    bitmap.close();
  };
}
