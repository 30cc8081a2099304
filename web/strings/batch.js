// Texts of making many images at once. Loaded with the first use.

const numbers = (/** @type {number} */ count) => count.toLocaleString("en");
const images = (/** @type {number} */ count) =>
  count === 1 ? "1 image" : `${numbers(count)} images`;
const some = (/** @type {number} */ count, /** @type {string} */ what) =>
  count === 1 ? `1 ${what}` : `${numbers(count)} ${what}s`;

export const batchText = {
  /* Templates. */
  tooLong: (/** @type {number} */ most) =>
    `The text is longer than ${numbers(most)} characters once it is expanded.`,
  tooMuchText: () => "All texts together are too long. Use fewer combinations or shorter lists.",
  notOpened: (/** @type {number} */ at, /** @type {string} */ around) =>
    `The brace } at character ${at} (“${around}”) closes nothing. Write \\} for the sign itself.`,
  notClosed: (/** @type {number} */ at, /** @type {string} */ around) =>
    `The brace { at character ${at} (“${around}”) is not closed. Write \\{ for the sign itself.`,
  noVariables: (/** @type {string} */ around) =>
    `Variables such as “${around}” are not read here. Write \\$ for the sign itself.`,
  tooDeep: (/** @type {number} */ most) => `Braces stand more than ${most} deep inside braces.`,
  listsTooDeep: (/** @type {number} */ most) => `Lists stand more than ${most} deep inside lists.`,
  noWeight: (/** @type {string} */ around) =>
    `Each choice of “${around}” has the weight 0, so none can be chosen.`,
  tooManyPicks: (/** @type {number} */ most) => `Before $$ stands at most ${most}.`,
  tooManyChoices: (/** @type {number} */ most) =>
    `One text takes more than ${numbers(most)} choices: its lists name each other too often.`,
  noList: (/** @type {string} */ name) =>
    `There is no list “${name}”. Make or import it under Many…, Wildcards.`,
  emptyList: (/** @type {string} */ name) => `The list “${name}” has no lines to choose from.`,
  tooManyStars: (/** @type {number} */ most) => `A name has at most ${most} stars.`,
  circle: (/** @type {string[]} */ names) =>
    `A list contains itself: ${names.map((name) => `“${name}”`).join(" names ")}.`,
  wrongLine: (
    /** @type {string} */ list,
    /** @type {number} */ line,
    /** @type {string} */ reason,
  ) => `Line ${line} of the list “${list}”: ${reason}`,
  tooManyTexts: (/** @type {number} */ count, /** @type {number} */ most) =>
    `There are ${count >= Number.MAX_SAFE_INTEGER ? "more than " : ""}${numbers(count)} ` +
    `combinations. At most ${numbers(most)} can be made at once.`,
  inNegative: (/** @type {string} */ reason) => `Negative prompt: ${reason}`,

  /* Values and axes. */
  notNumbers: (/** @type {string} */ part) =>
    `“${part}” is no number and no range such as 1-5, 1-10 (+2) or 1-10 [5].`,
  notWhole: (/** @type {string} */ part) => `“${part}” has numbers that are not whole.`,
  wrongStep: (/** @type {string} */ part) => `“${part}” never reaches its end.`,
  notSeeds: (/** @type {string} */ part) =>
    `“${part}” is no seed and no range such as 1-20: whole numbers from 0 to 2⁶⁴ − 1.`,
  tooManyValues: (/** @type {number} */ most) => `These are more than ${numbers(most)} values.`,
  outside: (
    /** @type {string} */ label,
    /** @type {string} */ value,
    /** @type {number | undefined} */ least,
    /** @type {number | undefined} */ most,
  ) =>
    `${label}: ${value} is not ` +
    (least === undefined ? `at most ${most}.` : `from ${least} to ${most ?? "any number"}.`),
  asModel: () => "as the model says",
  replace: () => "Prompt search and replace",
  loraWeight: (/** @type {string} */ name) => `LoRA weight: ${name}`,
  hintWhole: () => "Such as 10, 20, 30 · 1-5 · 1-10 (+2) · 1-10 [5]",
  hintNumbers: () => "Such as 5, 7.5, 10 · 1-5 · 0-1 (+0.25) · 0-1 [6]",
  hintSeeds: () => "Such as 1, 2, 42 · 1-20 · 100-200 (+10)",
  hintTexts: () => "Values between commas; one with a comma in quotes",
  hintReplace: () => "The first is searched in the prompts; each one stands in its place once",
  notInPrompt: (/** @type {string} */ words) => `“${words}” is in neither prompt.`,
  noValues: (/** @type {string} */ label) => `${label}: give at least one value.`,
  twice: (/** @type {string} */ label) => `Two axes are ${label}. Choose another for one of them.`,
  tooManyCells: (/** @type {number} */ count, /** @type {number} */ most) =>
    `These are ${numbers(count)} images. A grid has at most ${numbers(most)}.`,
  noParts: () => "Write optional parts behind bars: a photo | at night | by the sea.",
  tooManyParts: (/** @type {number} */ count, /** @type {number} */ most) =>
    `${count} optional parts make ${numbers(2 ** count)} images. At most ${most} parts are possible.`,
  parts: () => "Prompt",
  nothing: () => "—",
};
