// The dialog with one image of the gallery, large, and buttons for it.

import { beginning, say } from "../strings.js";
import { enlargements, hasRequest } from "../storage/known.js";
import { addonText } from "../strings/addons.js";
import { anyById, button, byId, onPress } from "../dom.js";
import { createBeforeAfter } from "./before_after.js";
import { SMALL, facts, fileName } from "./picture.js";
import { imageAddress, imageName } from "./thumbnails.js";

/** The most characters of a prompt that are shown. */
const PROMPT = 2000;

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

/**
 * @param {object} handlers
 * @param {(saved: SavedImage) => void} handlers.onUse
 * @param {(saved: SavedImage) => void} handlers.onVary makes it the start image
 * @param {(saved: SavedImage) => void} handlers.onEdit the same, to paint a mask
 * @param {(saved: SavedImage) => void} handlers.onEnlarge
 * @param {(saved: SavedImage) => void} handlers.onControl makes it the picture of a ControlNet
 * @param {(saved: SavedImage) => void} handlers.onStar it was marked or unmarked as a favourite
 * @param {(saved: SavedImage) => void} handlers.onDelete
 * @param {(saved: SavedImage) => Promise<string>} handlers.onLink copies a link to it; resolves to
 * the sentence about that
 * @param {(saved: SavedImage) => void} handlers.onOpen it is shown
 * @param {() => void} handlers.onClose
 */
export function createViewer({ onStar, onDelete, onLink, onOpen, onClose, ...leaving }) {
  const dialog = byId("viewer", HTMLDialogElement);
  const image = byId("viewer-image", HTMLImageElement);
  const download = byId("viewer-download", HTMLAnchorElement);
  /** @type {SavedImage[]} */
  let images = [];
  let at = 0;
  const current = () => images[at];
  const beforeAfter = createViewed();

  async function show() {
    const saved = current();
    if (!saved) return dialog.close();
    onOpen(saved);
    anyById("viewer-told").textContent = "";
    const { request, width, height, seconds, made, model, provenance, parts = [] } = saved;
    image.alt = imageName(saved);
    image.classList.toggle("pixels", Math.max(width, height) < SMALL);
    anyById("viewer-prompt").textContent = beginning(request.prompt || say.noPrompt(), PROMPT);
    anyById("viewer-facts").textContent = [
      facts(request, width, height, seconds, !!saved.mask),
      ...(request.negative_prompt ? [say.negativePrompt(request.negative_prompt)] : []),
      provenance ? say.madeBy(provenance) : model,
      ...parts.map(addonText.part),
      ...(saved.controls ?? []).map(addonText.control),
      ...enlargements(saved).map(addonText.enlarged),
      new Date(made).toLocaleString(),
    ].join(" · ");
    button("viewer-star").ariaPressed = String(saved.favourite);
    button("viewer-star").textContent = saved.favourite ? say.starred() : say.star();
    button("viewer-previous").disabled = at === 0;
    button("viewer-next").disabled = at === images.length - 1;
    for (const name of ["use", "vary", "link"])
      button(`viewer-${name}`).hidden = !hasRequest(saved);
    download.download = fileName(request);
    beforeAfter.open(saved);
    const address = await imageAddress(saved.id).catch(() => "");
    if (saved !== current()) return;
    image.src = download.href = address;
  }

  /** @param {number} by */
  function move(by) {
    at = Math.min(Math.max(at + by, 0), images.length - 1);
    show();
  }

  /** An action that closes the dialog first. @param {(saved: SavedImage) => void} act */
  const leave = (act) => (/** @type {SavedImage} */ saved) => {
    dialog.close();
    act(saved);
  };
  onPress("viewer-previous", () => move(-1));
  onPress("viewer-next", () => move(1));
  onPress("viewer-close", () => dialog.close());
  dialog.addEventListener("close", onClose);
  whenPressed(current, {
    link: async (saved) => (anyById("viewer-told").textContent = await onLink(saved)),
    use: leave(leaving.onUse),
    vary: leave(leaving.onVary),
    edit: leave(leaving.onEdit),
    enlarge: leave(leaving.onEnlarge),
    control: leave(leaving.onControl),
    star(saved) {
      saved.favourite = !saved.favourite;
      onStar(saved);
      void show();
    },
    delete(saved) {
      onDelete(saved);
      images.splice(at, 1);
      move(0);
    },
  });

  watchKeys(dialog, move);

  return {
    /**
     * @param {SavedImage[]} all that Previous and Next show
     * @param {SavedImage} saved
     */
    open(all, saved) {
      images = [...all];
      beforeAfter.forget();
      at = Math.max(0, images.indexOf(saved));
      if (!dialog.open) dialog.showModal();
      show();
    },

    close: () => dialog.close(),
  };
}

/** @param {HTMLDialogElement} dialog @param {(by: number) => void} move shows another image */
function watchKeys(dialog, move) {
  dialog.addEventListener("keydown", ({ key, target }) => {
    // There the arrows move the slider.
    if (target instanceof HTMLInputElement) return;
    const forwards = getComputedStyle(dialog).direction === "ltr" ? 1 : -1;
    if (key === "ArrowLeft") move(-forwards);
    if (key === "ArrowRight") move(forwards);
    if (key === "Delete") button("viewer-delete").click();
  });
}

/** Before and after of the image that is shown, begun anew with another image only. */
function createViewed() {
  const before = byId("viewer-before", HTMLImageElement);
  /** @type {number | undefined} */
  let shown;
  const beforeAfter = createBeforeAfter({
    box: anyById("viewer-before-after"),
    slider: byId("viewer-slider", HTMLInputElement),
    before,
    async draw(drawn) {
      const file = await drawn.convertToBlob();
      if (before.src) URL.revokeObjectURL(before.src);
      before.src = URL.createObjectURL(file);
      before.classList.toggle("pixels", Math.max(drawn.width, drawn.height) < SMALL);
      await before.decode().catch(() => {});
    },
  });
  return {
    /** @param {SavedImage} saved */
    open(saved) {
      const { initial, before: former, width, height } = saved;
      if (saved.id !== shown) void beforeAfter.open({ initial: former ?? initial, width, height });
      shown = saved.id;
    },
    forget: () => (shown = undefined),
  };
}

/**
 * Connects the buttons to actions on the present image.
 * @param {() => SavedImage | undefined} current
 * @param {Record<string, (saved: SavedImage) => void>} acts by name
 */
function whenPressed(current, acts) {
  for (const [name, act] of Object.entries(acts))
    onPress(`viewer-${name}`, () => {
      const saved = current();
      if (saved) act(saved);
    });
}
