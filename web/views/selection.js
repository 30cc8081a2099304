// The selection of images in the gallery. By mouse: a checkbox each, or a click on the image with
// Ctrl; with Shift all from the last one on. By keys: arrows move the focus, with Shift they
// select; Space selects one, Ctrl+A all, Escape none; Delete deletes. By touch: a long press
// selects, and then taps do.

import { watchPresses } from "./long_press.js";

/**
 * @typedef {object} Handlers
 * @property {() => number[]} shown numbers of the images that the search finds, in order
 * @property {() => void} onChange
 * @property {(ids: number[]) => void} onDelete
 */

/** What is selected, and where ranges begin. */
class Picks {
  /** @type {Set<number>} also images that the search does not find */
  selected = new Set();
  #shown;
  #show;
  /** The number of the image where a range begins; −1 if there is none. */
  #anchor = -1;
  /** The number of the image that Shift and arrows have reached. */
  #reached = -1;

  /** @param {() => number[]} shown @param {() => void} show the selection has changed */
  constructor(shown, show) {
    this.#shown = shown;
    this.#show = show;
  }

  /** The selected images that the search finds. */
  chosen = () => this.#shown().filter((id) => this.selected.has(id));

  /** Sets all images from the anchor to this one. @param {number} id @param {boolean} on */
  #range(id, on) {
    const ids = this.#shown();
    const [from, to] = [ids.indexOf(this.#anchor), ids.indexOf(id)].sort((a, b) => a - b);
    for (const one of ids.slice(from, (to ?? 0) + 1)) this.#set(one, on);
  }

  /** @param {number} id @param {boolean} on */
  #set(id, on) {
    if (on) this.selected.add(id);
    else this.selected.delete(id);
  }

  /**
   * Selects an image or not; a range begins there.
   * @param {number} id
   * @param {boolean} on
   * @param {boolean} [ends] whether the range that has begun before ends there
   */
  pick(id, on, ends = false) {
    if (ends && this.#shown().includes(this.#anchor)) this.#range(id, on);
    this.#set(id, on);
    this.#anchor = this.#reached = id;
    this.#show();
  }

  /** @param {number} id @param {boolean} [ends] as of `pick`: then nothing is unselected */
  toggle(id, ends = false) {
    this.pick(id, ends || !this.selected.has(id), ends);
  }

  /** The range ends at the next image now. @param {number} from @param {number} to */
  extend(from, to) {
    if (!this.#shown().includes(this.#anchor) || this.#reached !== from) this.#anchor = from;
    else this.#range(from, false);
    this.#range(to, true);
    this.#reached = to;
    this.#show();
  }

  all() {
    for (const id of this.#shown()) this.selected.add(id);
    this.#show();
  }

  none() {
    this.selected.clear();
    this.#anchor = -1;
    this.#show();
  }
}

/**
 * @param {HTMLElement} list each item has the number of its image, a button and a checkbox
 * @param {Handlers} handlers
 */
export function createSelection(list, { shown, onChange, onDelete }) {
  const picks = new Picks(shown, () => {
    for (const item of list.children) {
      const box = boxOf(item);
      if (box) box.checked = picks.selected.has(idOf(item));
    }
    onChange();
  });
  const { selected, chosen } = picks;
  watchPointers(list, picks);
  watchKeys(list, picks, onDelete);
  return {
    has: (/** @type {number} */ id) => selected.has(id),
    /** The selected images that the search finds: actions apply to these only. */
    chosen,
    /** How many images are selected that the search does not find. */
    hidden: () => selected.size - chosen().length,
    all: () => picks.all(),
    none: () => picks.none(),

    /** Removes all others from the selection. @param {Set<number>} ids */
    keep(ids) {
      for (const id of selected) if (!ids.has(id)) selected.delete(id);
    },

    keepFocus: (/** @type {() => void} */ renew) => keepFocus(list, renew),
  };
}

/** @param {HTMLElement} list @param {Picks} picks */
function watchPointers(list, picks) {
  let shift = false;
  const presses = watchPresses(list, (item) => picks.toggle(idOf(item)));
  // The event `change` does not have the state of the Shift key.
  for (const event of /** @type {const} */ (["pointerdown", "keydown"]))
    list.addEventListener(event, ({ shiftKey }) => (shift = shiftKey), true);
  list.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement)
      picks.pick(idOf(target.closest("li")), target.checked, shift);
  });
  /** @param {MouseEvent} event */
  const click = (event) => {
    const { target, ctrlKey, metaKey, shiftKey } = event;
    shift = shiftKey;
    const pressed = target instanceof Element ? target.closest("button") : null;
    const taps = presses.touches() && picks.selected.size > 0;
    if (!pressed || !(ctrlKey || metaKey || shiftKey || taps || presses.wasLong())) return;
    // The image is not opened.
    event.stopPropagation();
    if (!presses.wasLong()) picks.toggle(idOf(pressed.closest("li")), shiftKey);
  };
  list.addEventListener("click", click, true);
}

/** @param {HTMLElement} list @param {Picks} picks @param {Handlers["onDelete"]} onDelete */
function watchKeys(list, picks, onDelete) {
  list.addEventListener("keydown", (event) => {
    const { key, target, shiftKey, repeat } = event;
    const item = /** @type {HTMLElement | null} */ (
      target instanceof Element ? target.closest("li") : null
    );
    if (!item || event.altKey) return;
    const box = target instanceof HTMLInputElement;
    const chosen = picks.chosen();
    if (key === "a" && (event.ctrlKey || event.metaKey)) picks.all();
    else if (key === "Escape" && picks.selected.size) picks.none();
    else if (key === "Delete") repeat || onDelete(chosen.length ? chosen : [idOf(item)]);
    else if (key === " " && !box) picks.toggle(idOf(item), shiftKey);
    else {
      const next = neighbour(list, key, item);
      if (!next) return;
      if (shiftKey) picks.extend(idOf(item), idOf(next));
      /** @type {HTMLElement | null} */ (next.querySelector(box ? "input" : "button"))?.focus();
    }
    event.preventDefault();
  });
  // A button is pressed when Space is lifted.
  list.addEventListener("keyup", (event) => {
    if (event.key === " " && event.target instanceof HTMLButtonElement) event.preventDefault();
  });
}

/** The number of an item's image. @param {Element | null | undefined} item */
const idOf = (item) =>
  Number(/** @type {HTMLElement | null | undefined} */ (item)?.dataset["image"] ?? -1);

/** The box of an item. @param {Element} item */
const boxOf = (item) => /** @type {HTMLInputElement | null} */ (item.querySelector("input"));

/**
 * The item that an arrow key moves the focus to.
 * @param {HTMLElement} list
 * @param {string} key
 * @param {HTMLElement} from
 */
function neighbour(list, key, from) {
  const of = /** @type {HTMLElement[]} */ ([...list.children]);
  const at = of.indexOf(from);
  const top = of[0]?.offsetTop;
  const columns = of.findIndex(({ offsetTop }) => offsetTop !== top);
  const across = getComputedStyle(list).direction === "ltr" ? 1 : -1;
  const row = columns < 0 ? of.length : columns;
  const by = { ArrowLeft: -across, ArrowRight: across, ArrowUp: -row, ArrowDown: row }[key];
  if (by !== undefined) return of[at + by];
  return key === "Home" ? of[0] : key === "End" ? of.at(-1) : undefined;
}

/**
 * Runs `renew`, which makes the items again. The focus stays on its image, or on the image that is
 * now in that place.
 * @param {HTMLElement} list
 * @param {() => void} renew
 */
function keepFocus(list, renew) {
  const { activeElement: focus } = document;
  const item = focus && list.contains(focus) ? focus.closest("li") : null;
  const [id, at] = [idOf(item), item ? [...list.children].indexOf(item) : -1];
  const box = focus instanceof HTMLInputElement;
  renew();
  if (!item) return;
  const now = [...list.children];
  const next = now.find((one) => idOf(one) === id) ?? now[Math.min(at, now.length - 1)];
  const to = next?.querySelector(box ? "input" : "button");
  if (to instanceof HTMLElement) to.focus({ preventScroll: true });
}
