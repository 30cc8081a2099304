// What the prompt of the image was made from, where it was expanded from a template, and a button
// that uses the template.

import { beginning } from "../strings.js";
import { viewerText as text } from "../strings/viewer.js";
import { anyById, chip, element } from "../dom.js";

/** The most characters of a template that are shown. */
const SHOWN = 1000;

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

/**
 * The line with it, below the prompt.
 * @param {(saved: SavedImage) => void} onUse uses the settings of an image
 */
export function createTemplate(onUse) {
  const words = element("span", { dir: "auto" });
  /** @type {SavedImage | undefined} */
  let shown;
  const use = chip(text.useTemplate(), () => {
    const { template } = shown?.origin ?? {};
    if (shown && template) onUse({ ...shown, request: { ...shown.request, ...template } });
  });
  const line = element("p", { id: "viewer-template", className: "hint", hidden: true });
  line.append(element("span", {}, `${text.template()} `), words, " ", use);
  anyById("viewer-prompt").after(line);
  return {
    /** @param {SavedImage} saved */
    show(saved) {
      shown = saved;
      const { prompt, negative_prompt: negative } = saved.origin?.template ?? {};
      line.hidden = !(prompt || negative);
      const parts = [prompt ?? "", negative ? text.negativePrompt(negative) : ""];
      words.textContent = parts
        .filter(Boolean)
        .map((one) => beginning(one, SHOWN))
        .join(" · ");
    },
  };
}
