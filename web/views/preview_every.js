// The setting how often a decoded preview is shown, instead of the approximation from latents.

import { byId } from "../dom.js";

/** @param {import("../state/page.js").Page} state */
export function createPreviewEvery(state) {
  const every = byId("preview-every", HTMLSelectElement);
  every.value = String(state.get().previewEvery);
  every.addEventListener("change", () => state.set({ previewEvery: Number(every.value) }));
}
