// Small helpers for the views.

/**
 * The element with this id; the page is broken without it.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`#${id} is missing from the page`);
  return element;
}

/** @type {(id: string) => HTMLElement} */
export const anyById = (id) => byId(id, HTMLElement);

/** @param {string} id */
export const button = (id) => byId(id, HTMLButtonElement);

/**
 * Calls a function when a button is clicked.
 * @param {string} id
 * @param {() => void} act
 */
export function onPress(id, act) {
  button(id).addEventListener("click", act);
}

/**
 * Sets a text that is not there yet: one that is set anew is read aloud anew.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A new element with this text.
 * @param {string} tag
 * @param {string} text
 */
export function withText(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/**
 * A new element with properties and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<HTMLElementTagNameMap[K]>} properties
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * A small button of a list of such buttons.
 * @param {string} text
 * @param {() => void} act
 */
export function chip(text, act) {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", act);
  return made;
}

/**
 * A button of one row of a list.
 * @param {string} label
 * @param {string} of what the button is about, for screen readers
 * @param {() => void} act
 */
export function rowButton(label, of, act) {
  const made = chip(label, act);
  if (of) made.ariaLabel = `${label}: ${of}`;
  return made;
}

/**
 * Downloads a file to the user's disk.
 * @param {string} name
 * @param {Blob} blob
 */
export function save(name, blob) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** From so many characters on, a browser takes seconds to find the direction of each line. */
const LONG = 10_000;

/**
 * Sets the writing direction of a field: left to the browser (`auto`), or for a long text decided
 * here, by its first letter.
 * @param {HTMLElement} field
 * @param {string} text its present or next text
 */
export function fitDirection(field, text) {
  const rightToLeft = /^[^\p{L}]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
  field.dir = text.length <= LONG ? "auto" : rightToLeft.test(text.slice(0, 1000)) ? "rtl" : "ltr";
}

/** Sets the direction before typed or pasted text is inserted, in all text areas. */
export function watchDirections() {
  for (const kind of /** @type {const} */ (["beforeinput", "input"]))
    document.addEventListener(kind, (event) => {
      const { target: field } = event;
      if (!(field instanceof HTMLTextAreaElement)) return;
      const { data, dataTransfer } = /** @type {InputEvent} */ (event);
      const more = kind === "input" ? "" : (data ?? dataTransfer?.getData("text/plain") ?? "");
      fitDirection(field, field.value.length > LONG ? field.value : field.value + more);
    });
}
