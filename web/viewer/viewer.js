// The dialog with one image of the gallery, large, and buttons for it. Loaded when the gallery is
// first shown, or an image opened.

import { beginning, say } from "../strings.js";
import { canCopy, copyImage } from "../files/clipboard.js";
import { imageFile } from "../storage/images.js";
import { enlargements, hasRequest } from "../storage/known.js";
import { addonText } from "../strings/addons.js";
import { viewerText as text } from "../strings/viewer.js";
import { anyById, button, byId, chip, element, onPress, withText } from "../dom.js";
import { createBeforeAfter } from "../views/before_after.js";
import { SMALL, facts, fileName } from "../views/picture.js";
import { imageAddress, imageName } from "../views/thumbnails.js";
import { watchGestures } from "./gestures.js";
import { STEP, Stage } from "./stage.js";
import { createTemplate } from "./template.js";

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
 * @param {(last: SavedImage | undefined) => void} handlers.onClose it was closed; the image that
 * was shown last, if no action of it has led elsewhere
 */
export function createViewer({ onStar, onDelete, onLink, onOpen, onClose, ...leaving }) {
  const dialog = byId("viewer", HTMLDialogElement);
  const image = byId("viewer-image", HTMLImageElement);
  const download = byId("viewer-download", HTMLAnchorElement);
  /** @type {SavedImage[]} */
  let images = [];
  let at = 0;
  /** Whether an action closes the dialog, which leads elsewhere. */
  let leaves = false;
  const current = () => images[at];
  const beforeAfter = createViewed();
  const stage = createStage(dialog, image, move);

  async function show() {
    const saved = current();
    if (!saved) return dialog.close();
    onOpen(saved);
    stage.reset();
    anyById("viewer-told").textContent = "";
    const { request } = saved;
    image.alt = imageName(saved);
    image.classList.toggle("pixels", Math.max(saved.width, saved.height) < SMALL);
    anyById("viewer-prompt").textContent = beginning(request.prompt || say.noPrompt(), PROMPT);
    anyById("viewer-facts").textContent = factsOf(saved);
    template.show(saved);
    showStar(saved);
    showPlace(at, images.length);
    for (const name of ["use", "vary", "link"])
      button(`viewer-${name}`).hidden = !hasRequest(saved);
    beforeAfter.open(saved);
    await showFile(saved, image, download, () => saved === current());
  }

  /** @param {number} by */
  function move(by) {
    at = Math.min(Math.max(at + by, 0), images.length - 1);
    show();
  }

  /** An action that closes the dialog first. @param {(saved: SavedImage) => void} act */
  const leave = (act) => (/** @type {SavedImage} */ saved) => {
    leaves = true;
    dialog.close();
    act(saved);
  };
  const template = createTemplate(leave(leaving.onUse));
  addParts();
  onPress("viewer-previous", () => move(-1));
  onPress("viewer-next", () => move(1));
  onPress("viewer-close", () => dialog.close());
  dialog.addEventListener("close", () => onClose(leaves ? undefined : current()));
  closeOutside(dialog);
  whenPressed(current, {
    copy: (saved) => void copy(saved).then((told) => (anyById("viewer-told").textContent = told)),
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

  watchKeys(dialog, stage, move);

  return {
    /**
     * @param {SavedImage[]} all that Previous and Next show
     * @param {SavedImage} saved
     */
    open(all, saved) {
      images = [...all];
      beforeAfter.forget();
      leaves = false;
      at = Math.max(0, images.indexOf(saved));
      if (!dialog.open) dialog.showModal();
      show();
    },
  };
}

/**
 * Shows an image's file, and lets it be saved. Until it is read, the former one is neither shown
 * nor saved in its place.
 * @param {SavedImage} saved
 * @param {HTMLImageElement} image
 * @param {HTMLAnchorElement} download
 * @param {() => boolean} isCurrent whether it still is the one to show
 */
async function showFile(saved, image, download, isCurrent) {
  image.removeAttribute("src");
  download.removeAttribute("href");
  download.download = fileName(saved.request);
  const address = await imageAddress(saved.id).catch(() => "");
  if (address && isCurrent()) image.src = download.href = address;
}

/** @param {number} at @param {number} count */
function showPlace(at, count) {
  button("viewer-previous").disabled = at === 0;
  button("viewer-next").disabled = at === count - 1;
  anyById("viewer-place").textContent = text.place(at + 1, count);
}

/** @param {SavedImage} saved */
function showStar({ favourite }) {
  const star = button("viewer-star");
  star.ariaPressed = String(favourite);
  star.textContent = favourite ? text.starred() : text.star();
}

/** All that is known of an image, in one line. @param {SavedImage} saved */
function factsOf(saved) {
  const { request, width, height, seconds, made, model, provenance, parts = [] } = saved;
  return [
    facts(request, width, height, seconds, !!saved.mask),
    ...(request.negative_prompt ? [text.negativePrompt(request.negative_prompt)] : []),
    provenance ? text.madeBy(provenance) : model,
    ...parts.map(addonText.part),
    ...(saved.controls ?? []).map(addonText.control),
    ...enlargements(saved).map(addonText.enlarged),
    new Date(made).toLocaleString(),
  ].join(" · ");
}

/**
 * The stage with its buttons, which zoom.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLImageElement} image
 * @param {(by: number) => void} move
 */
function createStage(dialog, image, move) {
  const place = /** @type {HTMLElement} */ (image.parentElement);
  const before = byId("viewer-before", HTMLImageElement);
  const stage = new Stage(place, image, [before], (percent) => {
    anyById("viewer-zoom").textContent = text.zoom(percent);
  });
  const forwards = () => (getComputedStyle(dialog).direction === "ltr" ? 1 : -1);
  watchGestures(place, stage, (by) => move(by * forwards()));
  const tools = element("div", { className: "actions small-actions viewer-tools" });
  tools.setAttribute("role", "group");
  tools.ariaLabel = text.tools();
  const named = (
    /** @type {string} */ sign,
    /** @type {string} */ name,
    /** @type {() => void} */ act,
  ) => {
    const made = chip(sign, act);
    made.ariaLabel = made.title = name;
    return made;
  };
  tools.append(
    named("−", text.zoomOut(), () => stage.zoom(1 / STEP)),
    named("+", text.zoomIn(), () => stage.zoom(STEP)),
    named(text.fitSign(), text.fit(), () => stage.reset()),
  );
  if (document.fullscreenEnabled)
    tools.append(named(text.fullSign(), text.full(), () => fullScreen(place)));
  const told = element("span", { id: "viewer-zoom", className: "unseen" });
  told.setAttribute("role", "status");
  place.append(tools, told);
  return stage;
}

/** Fills the screen with the picture, or ends that. @param {HTMLElement} place */
function fullScreen(place) {
  const change = document.fullscreenElement
    ? document.exitFullscreen()
    : place.requestFullscreen?.();
  change?.catch(() => {});
}

/** Adds what the page itself does not have: Copy image, the place among all, the keys. */
function addParts() {
  const copy = chip(text.copyImage(), () => {});
  copy.id = "viewer-copy";
  copy.hidden = !canCopy();
  anyById("viewer-link").before(copy);
  const place = withText("p", "");
  place.id = "viewer-place";
  place.className = "hint";
  const keys = element("details", { className: "more" }, withText("summary", text.keys()));
  keys.append(element("p", { className: "hint" }, text.keysList()));
  anyById("viewer-told").after(place, keys);
}

/** Copies the file of an image; the sentence about it. @param {SavedImage} saved */
async function copy({ id }) {
  const file = imageFile(id).then((found) => found ?? Promise.reject(new Error(text.imageGone())));
  return copyImage(file).then(say.imageCopied, say.imageNotCopied);
}

/** A click beside the dialog closes it. @param {HTMLDialogElement} dialog */
function closeOutside(dialog) {
  const outside = (/** @type {MouseEvent} */ { target, clientX: x, clientY: y }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (x < left || x > right || y < top || y > bottom);
  };
  let begun = false;
  dialog.addEventListener("pointerdown", (event) => (begun = outside(event)));
  dialog.addEventListener("click", (event) => begun && outside(event) && dialog.close());
}

/** How far the arrows move an enlarged image, in pixels of the page. */
const ARROW = 60;

/**
 * @param {HTMLDialogElement} dialog
 * @param {Stage} stage
 * @param {(by: number) => void} move shows another image
 */
function watchKeys(dialog, stage, move) {
  /** @type {Record<string, () => void>} */
  const acts = {
    ...{ Home: () => move(-Infinity), End: () => move(Infinity) },
    ...{ PageUp: () => move(-1), PageDown: () => move(1) },
    ...{ "+": () => stage.zoom(STEP), "=": () => stage.zoom(STEP) },
    ...{ "-": () => stage.zoom(1 / STEP), 0: () => stage.reset() },
    Delete: () => button("viewer-delete").click(),
  };
  /** @type {Record<string, [number, number]>} */
  const arrows = {
    ...{ ArrowLeft: [-1, 0], ArrowRight: [1, 0] },
    ...{ ArrowUp: [0, -1], ArrowDown: [0, 1] },
  };
  dialog.addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey, repeat } = event;
    // There the arrows move the slider.
    if (target instanceof HTMLInputElement || altKey) return;
    if (ctrlKey || metaKey) {
      const ownCopy = key === "c" && !String(getSelection());
      if (ownCopy && canCopy()) button("viewer-copy").click();
      return;
    }
    const [x, y] = arrows[key] ?? [0, 0];
    const forwards = getComputedStyle(dialog).direction === "ltr" ? 1 : -1;
    const pans = (x || y) && stage.zoomed();
    if (pans) stage.pan(-x * ARROW, -y * ARROW);
    else if (x) move(x * forwards);
    // A key that is held down deletes one image.
    else if (acts[key]) (repeat && key === "Delete") || acts[key]();
    else return;
    event.preventDefault();
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
