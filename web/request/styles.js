// Styles: words that the user has saved to add to any prompt, stored in this browser.

import { remember, remembered } from "../storage/settings.js";

/** What a style adds to the prompt and to the negative prompt. */
/** @typedef {{ name: string, prompt: string, negative: string }} Style */

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
  return [styled, join(negative, style.negative)];
}

/** All stored styles. The stored name of `negative` is `avoid`. @returns {Style[]} */
export function keptStyles() {
  try {
    /** @type {any[]} */
    const records = JSON.parse(remembered("styles") ?? "[]");
    return records
      .filter((record) => typeof record?.name === "string")
      .map(({ avoid, ...style }) => ({ ...style, negative: avoid }));
  } catch {
    return [];
  }
}

/**
 * Stores all styles; returns them in the order of their names.
 * @param {Style[]} all
 */
export function keepStyles(all) {
  const styles = all.toSorted((a, b) => a.name.localeCompare(b.name));
  const records = styles.map(({ negative, ...style }) => ({ ...style, avoid: negative }));
  remember("styles", JSON.stringify(records));
  return styles;
}
