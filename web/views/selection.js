// Which pictures of the gallery are selected, by mouse and keyboard: a box each, Shift for all from
// the last one on, arrows to go about, Ctrl+A for all, Escape for none, Delete.

/**
 * @param {HTMLElement} list its items have the number of their picture and hold a button and a box
 * @param {object} handlers
 * @param {() => number[]} handlers.shown numbers of the pictures that the search finds, in order
 * @param {() => void} handlers.onChange
 * @param {(ids: number[]) => void} handlers.onDelete
 */
export function createSelection(list, { shown, onChange, onDelete }) {
  /** @type {Set<number>} also such as the search does not find */
  const selected = new Set();
  /** Where a range begins. */
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

  /** All from where the range begins to this one. @param {number} id @param {boolean} on */
  function range(id, on) {
    const ids = shown();
    const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)].sort((a, b) => a - b);
    for (const one of ids.slice(from, (to ?? 0) + 1)) set(one, on);
  }

  // A change does not tell of the Shift key.
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
    /** Those that are selected and seen: what is done is done to them alone. */
    chosen,
    /** How many are selected that the search does not find. */
    hidden: () => selected.size - chosen().length,
    all,
    none,

    /** Only these are left. @param {Set<number>} ids */
    keep(ids) {
      for (const id of selected) if (!ids.has(id)) selected.delete(id);
    },

    keepFocus: (/** @type {() => void} */ renew) => keepFocus(list, renew),
  };
}

/** The number of an item's picture. @param {Element | null | undefined} item */
const idOf = (item) =>
  Number(/** @type {HTMLElement | null | undefined} */ (item)?.dataset["image"] ?? -1);

/** The box of an item. @param {Element} item */
const boxOf = (item) => /** @type {HTMLInputElement | null} */ (item.querySelector("input"));

/**
 * The item that an arrow leads to.
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
 * Does what makes the items anew; the focus stays at its picture, or at the one in its place.
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
