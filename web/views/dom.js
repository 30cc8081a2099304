// Two small helpers for the views.

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
