// The selection of images in the gallery, by mouse and keyboard: a checkbox each; Shift selects all
// from the last one on; arrow keys move the focus; Ctrl+A selects all, Escape none; Delete deletes.

/**
 * @param {HTMLElement} list each item has the number of its image, a button and a checkbox
 * @param {object} handlers
 * @param {() => number[]} handlers.shown numbers of the images that the search finds, in order
 * @param {() => void} handlers.onChange
 * @param {(ids: number[]) => void} handlers.onDelete
 */
export function createSelection(list, { shown, onChange, onDelete }) {
  /** @type {Set<number>} also images that the search does not find */
  const selected = new Set();
  /** The number of the image where a range begins; −1 if there is none. */
  let anchor = -1;
  let shift = false;

  const items = () => /** @type {HTMLElement[]} */ ([...list.children]);

  function show() {
    for (const item of items()) {
      const box = boxOf(item);
      if (box) box.checked = selected.has(idOf(item));
    }
    onChange();
  }

  /** @param {number} id @param {boolean} on */
  function set(id, on) {
    if (on) selected.add(id);
    else selected.delete(id);
  }

  /** Sets all images from the anchor to this one. @param {number} id @param {boolean} on */
  function range(id, on) {
    const ids = shown();
    const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)].sort((a, b) => a - b);
    for (const one of ids.slice(from, (to ?? 0) + 1)) set(one, on);
  }

  // The event `change` does not have the state of the Shift key.
  for (const event of /** @type {const} */ (["pointerdown", "keydown"]))
    list.addEventListener(event, ({ shiftKey }) => (shift = shiftKey), true);
  list.addEventListener("click", ({ shiftKey }) => (shift = shiftKey), true);
  list.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    const id = idOf(target.closest("li"));
    if (shift && anchor >= 0 && shown().includes(anchor)) range(id, target.checked);
    else set(id, target.checked);
    anchor = id;
    show();
  });

  const chosen = () => shown().filter((id) => selected.has(id));

  function all() {
    for (const id of shown()) selected.add(id);
    show();
  }

  function none() {
    selected.clear();
    anchor = -1;
    show();
  }

  list.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const item = /** @type {HTMLElement | null} */ (
      target instanceof Element ? target.closest("li") : null
    );
    if (!item || event.altKey) return;
    if (key === "a" && (event.ctrlKey || event.metaKey)) all();
    else if (key === "Escape" && selected.size) none();
    else if (key === "Delete") onDelete(chosen().length ? chosen() : [idOf(item)]);
    else {
      const next = neighbour(list, key, item);
      if (!next) return;
      const box = target instanceof HTMLInputElement;
      /** @type {HTMLElement | null} */ (next.querySelector(box ? "input" : "button"))?.focus();
    }
    event.preventDefault();
  });

  return {
    has: (/** @type {number} */ id) => selected.has(id),
    /** The selected images that the search finds: actions apply to these only. */
    chosen,
    /** How many images are selected that the search does not find. */
    hidden: () => selected.size - chosen().length,
    all,
    none,

    /** Removes all others from the selection. @param {Set<number>} ids */
    keep(ids) {
      for (const id of selected) if (!ids.has(id)) selected.delete(id);
    },

    keepFocus: (/** @type {() => void} */ renew) => keepFocus(list, renew),
  };
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
