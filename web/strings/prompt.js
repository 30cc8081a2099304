// Texts about weights in prompts, and about the history of prompts. Loaded when they are needed.

export const promptText = {
  notRead: () =>
    "Weights such as (word:1.1) and tags such as <lora:name:1> are read only with the prompt " +
    "syntax of AUTOMATIC1111’s web UI.",
  readWeights: () => "Use that syntax",

  history: () => "Prompt history",
  about: (/** @type {number} */ most) =>
    `The last ${most} prompts with which you made images, on this device only.`,
  search: () => "Search in the prompts",
  negative: () => "Fill in the negative prompt as well",
  keep: () => "Remember prompts",
  clear: () => "Clear the history",
  cleared: (/** @type {number} */ count) =>
    count === 1 ? "1 prompt is deleted." : `${count} prompts are deleted.`,
  forget: (/** @type {string} */ prompt) => `Forget: ${prompt}`,
  none: (/** @type {boolean} */ keeps) =>
    keeps ? "There is no prompt yet." : "Prompts are not remembered.",
  stay: (/** @type {number} */ count) =>
    `New prompts are not remembered. ${count === 1 ? "1 prompt stays" : `${count} prompts stay`} ` +
    "here until you press “Clear the history”.",
  noMatch: () => "No prompt has these words.",
  found: (/** @type {number} */ count) => (count === 1 ? "1 prompt" : `${count} prompts`),
  without: (/** @type {string} */ negative) => `negative: ${negative}`,
  close: () => "Close",
};
