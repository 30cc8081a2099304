// The prompts with which the user made images, the latest first, stored in this browser unless that
// is switched off.

import { remember, remembered } from "../storage/settings.js";

const NAME = "prompts";
/** Whether prompts are remembered: "off" if not. */
const KEEPS = "prompt-history";
/** How many are kept; the most characters of a prompt or a negative one, and of all together. */
export const PROMPTS_MAX = 100;
const [LENGTH_MAX, ALL_MAX] = [5000, 300_000];

/** @typedef {{ prompt: string, negative: string }} Prompt */

/** Whether prompts are remembered. */
export const keepsPrompts = () => remembered(KEEPS) !== "off";

/** Switches that on or off; those that are there stay. @param {boolean} on */
export const keepPrompts = (on) => remember(KEEPS, on ? null : "off");

/** @returns {Prompt[]} */
export function listPrompts() {
  try {
    /** @type {any[]} */
    const all = JSON.parse(remembered(NAME) ?? "[]");
    return all
      .filter((one) => typeof one?.prompt === "string")
      .map(({ prompt, negative }) => ({ prompt, negative: String(negative ?? "") }));
  } catch {
    return [];
  }
}

/** Stores these alone, without the oldest where they are too many. @param {Prompt[]} prompts */
export function storePrompts(prompts) {
  let length = 0;
  const all = prompts.slice(0, PROMPTS_MAX).filter(({ prompt, negative }) => {
    length += prompt.length + negative.length;
    return length <= ALL_MAX;
  });
  remember(NAME, all.length ? JSON.stringify(all) : null);
}

/** @param {Prompt} a @param {Prompt} b */
const same = (a, b) => a.prompt === b.prompt && a.negative === b.negative;

/** Remembers a prompt as the latest, once. @param {Prompt} prompt */
export function addPrompt(prompt) {
  const length = Math.max(prompt.prompt.length, prompt.negative.length);
  if (!keepsPrompts() || !prompt.prompt.trim() || length > LENGTH_MAX) return;
  storePrompts([prompt, ...listPrompts().filter((one) => !same(one, prompt))]);
}

/** Those that have each of these words. @param {Prompt[]} prompts @param {string} words */
export function findPrompts(prompts, words) {
  const wanted = words.toLowerCase().split(/\s+/);
  return prompts.filter(({ prompt, negative }) => {
    const text = `${prompt}\n${negative}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** Forgets one. @param {Prompt} prompt */
export const forgetPrompt = (prompt) =>
  storePrompts(listPrompts().filter((one) => !same(one, prompt)));
