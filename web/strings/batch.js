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
};
