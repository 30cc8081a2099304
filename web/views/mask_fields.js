// The settings of a mask: its blur, what the masked part begins with, and whether the whole picture
// is made or only the masked part with some pixels around it. They are shown while there is a mask.

import { editText } from "../strings/edit.js";
import { anyById, byId, setText } from "../dom.js";

/** The pixels around the masked part at first, as in AUTOMATIC1111's web UI. */
const PADDING = "32";

/** @param {() => void} onChange */
export function createMaskFields(onChange) {
  const box = anyById("mask-fields");
  const blur = byId("mask_blur", HTMLInputElement);
  const content = byId("masked_content", HTMLSelectElement);
  const area = byId("inpaint-area", HTMLSelectElement);
  const padding = byId("padding_mask_crop", HTMLInputElement);

  /** @param {boolean} [masked] whether there is a mask */
  function show(masked = !box.hidden) {
    box.hidden = !masked;
    // The number in the field decides: a request fills it in. While it is typed, it may be none.
    if (padding.value.trim()) area.value = "masked";
    else if (document.activeElement !== padding) area.value = "whole";
    anyById("padding-field").hidden = area.value !== "masked";
    setText(anyById("mask-hint"), editText.content(content.value));
  }

  area.addEventListener("change", () => {
    padding.value = paddingOf();
    show();
    onChange();
  });
  content.addEventListener("change", () => show());
  padding.addEventListener("change", () => {
    padding.value = paddingOf();
  });

  /** The pixels around the masked part; empty if the whole picture is made. */
  const paddingOf = () => (area.value === "masked" ? padding.value.trim() || PADDING : "");

  return {
    show,

    /** The fields of a request. @returns {Record<string, string>} */
    values: () => ({
      mask_blur: blur.value,
      masked_content: content.value,
      padding_mask_crop: paddingOf(),
    }),
  };
}
