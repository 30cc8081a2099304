// Reads and writes the form's controls as text, by the names of their fields.

import { SAMPLERS } from "../strings.js";
import { anyById, byId, element, fitDirection } from "../dom.js";

/**
 * The control of a field.
 * @param {string} name
 * @returns {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement}
 */
export function control(name) {
  return /** @type {HTMLInputElement} */ (anyById(name));
}

/** @param {string} name */
export function read(name) {
  const field = control(name);
  const checks = field instanceof HTMLInputElement && field.type === "checkbox";
  return checks ? String(field.checked) : field.value;
}

/**
 * @param {string} name
 * @param {string} value
 */
export function write(name, value) {
  const field = control(name);
  if (field instanceof HTMLSelectElement) {
    const known = [...field.options].some((option) => option.value === value);
    if (!known) field.add(new Option(value, value));
  }
  if (field instanceof HTMLInputElement && field.type === "checkbox")
    field.checked = value === "true";
  else {
    if (field instanceof HTMLTextAreaElement) fitDirection(field, value);
    field.value = value;
  }
}

/**
 * Lists the model's samplers. The chosen one stays, also if this model does not have it.
 * @param {string[]} samplers
 */
export function offerSamplers(samplers) {
  const chosen = read("sampler");
  const options = samplers.map((name) =>
    element("option", { value: name }, SAMPLERS.get(name) ?? name),
  );
  byId("sampler", HTMLSelectElement).replaceChildren(...options);
  if (chosen) write("sampler", chosen);
}

/**
 * The arrow keys up and down change the number in a field.
 * @param {KeyboardEvent} event
 */
export function stepNumber(event) {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.dataset["step"]) return;
  const step = Number(input.dataset["step"]) * (event.key === "ArrowUp" ? 1 : -1);
  const value = Number(input.value.trim() || input.placeholder || "NaN") + step;
  if (!Number.isFinite(value)) return;
  event.preventDefault();
  const rounded = Number(Math.max(value, Number(input.dataset["min"] ?? 0)).toFixed(6));
  input.value = String(rounded);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
