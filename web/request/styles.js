// Styles: words that the user has saved to go with any prompt, kept in this browser.

import { remember, remembered } from "../storage/settings.js";

/** What a style adds to the prompt and to the negative prompt. */
/** @typedef {{ name: string, prompt: string, avoid: string }} Style */

/**
 * A prompt and a negative prompt with a style's words.
 * @param {Style | undefined} style
 * @param {string} text
 * @param {string} negative
 */
export function applyStyle(style, text, negative) {
  if (!style) return [text, negative];
  const join = (/** @type {string[]} */ ...parts) => parts.filter((part) => part).join(", ");
  const styled = style.prompt.includes("{prompt}")
    ? style.prompt.replaceAll("{prompt}", () => text)
    : join(text, style.prompt);
  return [styled, join(negative, style.avoid)];
}

/** @returns {Style[]} */
export function keptStyles() {
  try {
    const styles = JSON.parse(remembered("styles") ?? "[]");
    return styles.filter((/** @type {any} */ style) => typeof style?.name === "string");
  } catch {
    return [];
  }
}

/**
 * Keeps all styles; returns them in the order of their names.
 * @param {Style[]} all
 */
export function keepStyles(all) {
  const styles = all.toSorted((a, b) => a.name.localeCompare(b.name));
  remember("styles", JSON.stringify(styles));
  return styles;
}
