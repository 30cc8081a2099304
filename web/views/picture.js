// Shows the finished image on a canvas, with its settings below it, and offers it as a file.

import { SAFETY, SAMPLERS, duration, say } from "../strings.js";
import { canCopy, copyImage } from "../files/clipboard.js";
import { enlargements, hasRequest } from "../storage/known.js";
import { addonText } from "../strings/addons.js";
import { anyById, button, byId, onPress } from "../dom.js";
import { createBeforeAfter } from "./before_after.js";
import { shortcutsOf } from "./shortcuts.js";

/** An image with a longer side below this is enlarged with sharp pixels. */
export const SMALL = 256;

/** @typedef {import("../engine/protocol.js").Request} Request */
/** @typedef {import("../session/protocol.js").Made} Made */

/**
 * @param {object} handlers
 * @param {(seed: string) => void} handlers.onKeepSeed
 * @param {() => void} handlers.onVariation makes an image with another seed
 * @param {(made: Made, file: Blob) => void} handlers.onVary makes this image the start image
 * @param {(made: Made, file: Blob) => void} handlers.onEdit the same, to paint a mask
 * @param {(file: Blob) => void} handlers.onNext makes it the start image of the present form
 * @param {(made: Made) => void} handlers.onEnlarge
 * @param {(file: Blob) => void} handlers.onControl makes it the picture of a ControlNet
 * @param {(made: Made) => void} handlers.onLink copies a link to this image
 * @param {(made: Made) => void} handlers.onView shows it large
 * @param {(sentence: string) => void} handlers.tell
 */
export function createPicture({ onKeepSeed, onVariation, onVary, onEdit, onNext, ...handlers }) {
  const { onLink, onEnlarge, onControl, onView, tell } = handlers;
  const canvas = byId("canvas", HTMLCanvasElement);
  const download = byId("download", HTMLAnchorElement);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let seed = "";
  onPress("keep-seed", () => onKeepSeed(seed));
  /** @type {import("../session/protocol.js").Made | null} */
  let shown = null;
  onPress("variation", onVariation);
  onPress("begin-with", () => shown && onVary(shown, shown.file));
  onPress("edit", () => shown && onEdit(shown, shown.file));
  onPress("next-start", () => shown && onNext(shown.file));
  onPress("enlarge", () => shown && onEnlarge(shown));
  onPress("as-control", () => shown && onControl(shown.file));
  const before = byId("before", HTMLCanvasElement);
  const beforeAfter = createBeforeAfter({
    box: anyById("before-after"),
    slider: byId("before-slider", HTMLInputElement),
    before,
    draw(drawn) {
      [before.width, before.height] = [drawn.width, drawn.height];
      before.getContext("2d")?.drawImage(drawn, 0, 0);
      before.classList.toggle("small", Math.max(drawn.width, drawn.height) < SMALL);
    },
  });
  onPress("copy-link", () => shown && onLink(shown));
  onPress("copy-image", () => {
    if (shown) copyImage(shown.file).then(say.imageCopied, say.imageNotCopied).then(tell);
  });
  button("copy-image").hidden = !canCopy();
  // For the mouse; by keys an image is opened in the strip or in the gallery.
  canvas.addEventListener("click", () => shown && onView(shown));

  return {
    /** The image that is shown, if there is one. */
    shown: () => shown,

    /** @param {Made} made */
    show(made) {
      const { picture, request, file, seconds, initial, before: former, mask } = made;
      const { width, height, rgba, safety } = picture;
      canvas.width = width;
      canvas.height = height;
      // The pixels are in the CPU's memory and may be read again: the canvas needs no GPU.
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context?.putImageData(new ImageData(rgba, width, height), 0, 0);
      canvas.classList.toggle("small", Math.max(width, height) < SMALL);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", request.prompt || "Image without a prompt");
      canvas.hidden = false;
      anyById("empty").hidden = true;

      seed = request.seed;
      anyById("caption-prompt").textContent = request.prompt;
      void beforeAfter.open({ initial: former ?? initial, width, height });
      const enlarged = enlargements(made).map(addonText.enlarged);
      button("next-start").hidden = !initial && !enlarged.length;
      for (const name of ["variation", "begin-with", "copy-link"])
        button(name).hidden = !hasRequest(made);
      button("keep-seed").hidden = !request.seed;
      const settings = facts(request, width, height, seconds, !!mask);
      const controls = (made.controls ?? []).map(addonText.control);
      const others = [...controls, ...enlarged, safety ? SAFETY[safety] : ""];
      anyById("caption-facts").textContent = [settings, ...others].filter(Boolean).join(" · ");
      anyById("caption").hidden = false;

      // On a phone the image is above the form. If it does not fit, its top is shown.
      const block = canvas.clientHeight > innerHeight ? "start" : "nearest";
      canvas.scrollIntoView({ block, behavior: still.matches ? "auto" : "smooth" });

      if (download.href) URL.revokeObjectURL(download.href);
      shown = made;
      download.href = URL.createObjectURL(file);
      download.download = fileName(request);
    },
  };
}

/**
 * The settings of an image, in one line.
 * @param {Request} request
 * @param {number} width
 * @param {number} height
 * @param {number} seconds
 * @param {boolean} [masked] whether only a part of the start image was made anew
 */
export function facts(request, width, height, seconds, masked) {
  const sampler = request.sampler ?? "";
  // An image that was not made here, such as one that was only enlarged, has none of them.
  const known = request.seed !== "";
  const own = [
    `seed ${request.seed}`,
    `${request.steps} steps`,
    `guidance ${request.guidance_scale}`,
    SAMPLERS.get(sampler) ?? sampler,
    ...(typeof request.hires_scale === "number" ? [addonText.second(request)] : []),
    ...shortcutsOf(request),
  ];
  return [
    ...(known ? own : []),
    ...(typeof request.strength === "number" ? [say.fromStartImage(request.strength, masked)] : []),
    `${width} × ${height}`,
    duration(seconds),
  ].join(" · ");
}

/**
 * The name of an image's file: its prompt and seed.
 * @param {Request} request
 */
export function fileName({ prompt, seed }) {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return `${words.join("-").slice(0, 60) || "picture"}${seed && `-${seed}`}.png`;
}
