// How often the picture on its way is shown as it is, not as its latents let guess.

import { byId } from "../dom.js";

/** @param {import("../state/page.js").Page} state */
export function createPreviewEvery(state) {
  const every = byId("preview-every", HTMLSelectElement);
  every.value = String(state.get().previewEvery);
  every.addEventListener("change", () => state.set({ previewEvery: Number(every.value) }));
}
