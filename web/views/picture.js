// The picture: on a canvas, with what made it beneath, to keep as a file.

import { SAFETY, SAMPLERS, duration, say } from "../strings.js";
import { anyById, byId, onPress } from "../dom.js";
import { shortcutsOf } from "./shortcuts.js";

/** Below this many pixels a side, a picture is enlarged with its pixels kept sharp. */
export const SMALL = 256;

/** @typedef {import("../engine/protocol.js").Request} Request */

/**
 * @param {object} handlers
 * @param {(seed: string) => void} handlers.onKeepSeed
 * @param {() => void} handlers.onVariation another seed is wanted
 * @param {(request: Request, file: Blob) => void} handlers.onVary a picture that begins with this
 * one is wanted
 * @param {(request: Request, model: string) => void} handlers.onLink a link to it is wanted
 */
export function createPicture({ onKeepSeed, onVariation, onVary, onLink }) {
  const canvas = byId("canvas", HTMLCanvasElement);
  const download = byId("download", HTMLAnchorElement);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let seed = "";
  onPress("keep-seed", () => onKeepSeed(seed));
  /** @type {{ request: Request, file: Blob, model: string } | null} */
  let shown = null;
  onPress("variation", onVariation);
  onPress("begin-with", () => shown && onVary(shown.request, shown.file));
  onPress("copy-link", () => shown && onLink(shown.request, shown.model));

  return {
    /** @param {import("../session/protocol.js").Made} made */
    show({ picture, request, file, seconds, model }) {
      const { width, height, rgba, safety } = picture;
      canvas.width = width;
      canvas.height = height;
      // The pixels come from the worker's memory and may be read again: no need for a GPU's copy.
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context?.putImageData(new ImageData(rgba, width, height), 0, 0);
      canvas.classList.toggle("small", Math.max(width, height) < SMALL);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", request.prompt || "Image without a prompt");
      canvas.hidden = false;
      anyById("empty").hidden = true;

      seed = request.seed;
      anyById("caption-prompt").textContent = request.prompt;
      const told = facts(request, width, height, seconds);
      anyById("caption-facts").textContent = `${told} · ${SAFETY[safety]}`;
      anyById("caption").hidden = false;

      // On a phone the picture lies above the form. One that does not fit is seen from its top.
      const block = canvas.clientHeight > innerHeight ? "start" : "nearest";
      canvas.scrollIntoView({ block, behavior: still.matches ? "auto" : "smooth" });

      if (download.href) URL.revokeObjectURL(download.href);
      shown = { request, file, model };
      download.href = URL.createObjectURL(file);
      download.download = fileName(request);
    },
  };
}

/**
 * What made a picture, in a line.
 * @param {Request} request
 * @param {number} width
 * @param {number} height
 * @param {number} seconds
 */
export function facts(request, width, height, seconds) {
  const sampler = request.sampler ?? "";
  return [
    `seed ${request.seed}`,
    `${request.steps} steps`,
    `guidance ${request.guidance_scale}`,
    SAMPLERS.get(sampler) ?? sampler,
    ...shortcutsOf(request),
    ...(typeof request.strength === "number" ? [say.begun(request.strength)] : []),
    `${width} × ${height}`,
    duration(seconds),
  ].join(" · ");
}

/**
 * The name of a picture's file, from its prompt.
 * @param {Request} request
 */
export function fileName({ prompt, seed }) {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return `${words.join("-").slice(0, 60) || "picture"}-${seed}.png`;
}
