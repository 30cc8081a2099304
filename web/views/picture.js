// The picture: on a canvas, with what made it beneath, to keep as a file.

import { SAMPLERS, duration } from "../strings.js";
import { anyById, byId } from "./dom.js";

/** Below this many pixels a side, a picture is enlarged with its pixels kept sharp. */
const SMALL = 256;

/** @param {{ onKeepSeed: (seed: string) => void }} handlers */
export function createPicture({ onKeepSeed }) {
  const canvas = byId("canvas", HTMLCanvasElement);
  const download = byId("download", HTMLAnchorElement);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let seed = "";
  byId("keep-seed", HTMLButtonElement).addEventListener("click", () => onKeepSeed(seed));

  return {
    /**
     * @param {import("../engine/protocol.js").Picture} picture
     * @param {import("../engine/protocol.js").Request} request what made it
     * @param {number} seconds how long that took
     */
    show(picture, request, seconds) {
      const { width, height, rgba, png } = picture;
      canvas.width = width;
      canvas.height = height;
      // The pixels come from the worker's memory and may be read again: no need for a GPU's copy.
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context?.putImageData(new ImageData(rgba, width, height), 0, 0);
      canvas.classList.toggle("small", Math.max(width, height) < SMALL);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", request.prompt || "Picture without a prompt");
      canvas.hidden = false;
      anyById("empty").hidden = true;

      seed = request.seed;
      const sampler = request.sampler ?? "";
      anyById("caption-prompt").textContent = request.prompt;
      anyById("caption-facts").textContent = [
        `seed ${seed}`,
        `${request.steps} steps`,
        `guidance ${request.guidance_scale}`,
        SAMPLERS.get(sampler) ?? sampler,
        `${width} × ${height}`,
        duration(seconds),
      ].join(" · ");
      anyById("caption").hidden = false;

      // On a phone the picture lies below the form.
      canvas.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });

      if (download.href) URL.revokeObjectURL(download.href);
      download.href = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      download.download = `${slug(request.prompt)}-${seed}.png`;
    },
  };
}

/**
 * A file name from a prompt.
 * @param {string} prompt
 */
function slug(prompt) {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.join("-").slice(0, 60) || "picture";
}
