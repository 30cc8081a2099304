// The ControlNets and T2I-Adapters of a request, each with its picture, as text: JSON in the field
// `controls` of the draft, of jobs, and of records of the gallery.

/**
 * A ControlNet or T2I-Adapter, and the picture that guides by it. `name`: of its file, without the
 * extension, or of its folder; `hash`: the first digits of its file's SHA-256, or empty; `image`:
 * the key of its picture in the storage (storage/start_images.js); the three numbers as typed.
 * @typedef {object} ControlChoice
 * @property {string} name
 * @property {string} hash
 * @property {string} image
 * @property {string} weight
 * @property {string} start the part of the steps at which it begins, 0 to 1
 * @property {string} end the part of the steps at which it ends
 * @property {boolean} guess guess mode
 * @property {string} preprocess what is made of the picture first: none, canny or invert
 * @property {boolean} drawn whether its picture was drawn here, and can be drawn on
 */

/** A new one. @type {ControlChoice} */
export const PLAIN = {
  ...{ name: "", hash: "", image: "", weight: "1", start: "0", end: "1" },
  ...{ guess: false, preprocess: "none", drawn: false },
};

/**
 * @param {string} text
 * @returns {ControlChoice[]} none where the text is no list of such
 */
export function readControls(text) {
  try {
    const list = JSON.parse(text || "[]");
    return list.map((/** @type {any} */ one) => {
      const known = Object.entries(PLAIN).map(([name, value]) => {
        const own = one[name] ?? value;
        return [name, typeof value === "boolean" ? own === true : String(own)];
      });
      return Object.fromEntries(known);
    });
  } catch {
    return [];
  }
}

/** @param {ControlChoice[]} choices */
export const writeControls = (choices) => (choices.length ? JSON.stringify(choices) : "");

/** The keys of the pictures in the field's text. @param {string | undefined} text */
export const controlImages = (text) => readControls(text ?? "").map(({ image }) => image);
