// The form's start image: chosen, dropped or pasted, shown small, removed; and the strength, which
// says how far the next image may differ from it.

import { pixelsOf } from "../files/pixels.js";
import { startImageFile, keepStartImage } from "../storage/start_images.js";
import { say } from "../strings.js";
import { anyById, byId, onPress } from "../dom.js";

/** The longer side of the small image, in pixels of the page. */
const SMALL = 160;

/** @param {{ onChange: () => void, onFault: (error: unknown) => void }} handlers */
export function createStartImage({ onChange, onFault }) {
  const box = anyById("initial-box");
  const input = byId("initial-file", HTMLInputElement);
  const strength = byId("strength", HTMLInputElement);
  const hint = anyById("initial-hint");
  /** The key of the stored start image, a number as text or `page-…`; empty if there is none. */
  let chosen = "";
  /** Whether the request in the form had a start image that is not stored here. */
  let missing = false;
  /** Counts choices: when an older choice ends after a later one, its result is ignored. */
  let choices = 0;

  function show() {
    box.hidden = !chosen;
    anyById("initial-choose").hidden = !!chosen;
    byId("strength-value", HTMLOutputElement).value = strength.value;
    hint.hidden = !missing;
    hint.textContent = missing ? say.startImageMissing() : "";
  }

  /**
   * Makes a file the start image.
   * @param {() => Promise<{ file: Blob, keep: () => string | Promise<string> }>} find gets the
   * file, and how to store it, which gives its key
   * @param {string} name for messages
   * @param {() => void} [undo] if it cannot be one; without it the image of before stays
   * @returns {Promise<boolean>} whether it is the start image now
   */
  async function choose(find, name, undo) {
    const mine = ++choices;
    try {
      const { file, keep } = await find();
      // A file that cannot be decoded is not stored.
      const paint = await draw(file);
      const key = await keep();
      if (mine !== choices) return false;
      paint();
      chosen = key;
      missing = false;
      show();
      onChange();
      return true;
    } catch (error) {
      const reason = /** @type {Error} */ (error).message;
      if (mine !== choices) return false;
      undo?.();
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
    return choose(async () => ({ file, keep: () => keepStartImage(file) }), file.name);
  }

  function clear() {
    choices += 1;
    chosen = "";
    missing = false;
    show();
  }

  return {
    take,
    clear,
    show,

    /**
     * Uses the stored start image with this key; none if the key is empty.
     * @param {string} key
     */
    use(key) {
      if (key === chosen) return;
      if (!key) return clear();
      chosen = key;
      show();
      const find = async () => {
        const file = await startImageFile(key);
        if (!file) throw new Error(say.startImageGone());
        return { file, keep: () => key };
      };
      // The image of before belongs to another request.
      void choose(find, say.startImage(), clear);
    },

    focus: () => strength.focus(),

    /** The request in the form had a start image; the user has to choose it again. */
    miss() {
      missing = !chosen;
      show();
    },

    /** The fields `initial` and `strength` of the request. @returns {Record<string, string>} */
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
 * Decodes a file; resolves to a function that shows it small. Rejects if it is no image.
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
    small.ariaLabel = say.startImageSize(width, height);
    bitmap.close();
  };
}
