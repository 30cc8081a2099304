// Whether {a|b} and __lists__ in prompts are expanded (batch/expand.js): a choice of the user's.

import { remember, remembered } from "../storage/settings.js";

/** The choice's name among the settings. */
const NAME = "expand";

export const expanding = () => remembered(NAME) === "yes";

/** @param {boolean} on */
export const setExpanding = (on) => remember(NAME, on ? "yes" : null);

/**
 * Whether fields have something to expand, and it is wanted.
 * @param {Record<string, string>} fields
 */
export const expands = ({ prompt = "", negative_prompt = "" }) =>
  expanding() && /[{}]|__/.test(prompt + negative_prompt);
