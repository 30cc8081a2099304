// The page's texts about the words that the built-in model knows.

/** The most unknown words that are named. */
const NAMED_MAX = 4;

/** The longest word that is named whole. */
const WHOLE_MAX = 30;

/** Letters of scripts that are read from the right: Hebrew, Arabic, and those between them. */
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A word in quotes. One that is read from the right is isolated. @param {string} word */
function quoted(word) {
  const shown = word.length > WHOLE_MAX ? `${[...word].slice(0, WHOLE_MAX).join("")}…` : word;
  return FROM_RIGHT.test(shown) ? `“\u2068${shown}\u2069”` : `“${shown}”`;
}

const and = new Intl.ListFormat("en", { type: "conjunction" });

export const demoWords = {
  /** @param {string[]} words */
  unknown(words) {
    const named = words.slice(0, NAMED_MAX).map(quoted);
    const more = words.length - named.length;
    if (more) named.push(`${more} more`);
    return `The demo model does not know ${and.format(named)}. What it draws is listed below.`;
  },
  noThing: () =>
    "The prompt names nothing that the demo model draws. What it draws is listed below.",
  failed: () => "The list could not be loaded. Check the connection, then reload the page.",
  search: () => "Search",
  things: () => "Things",
  /** @param {number} shown @param {number} found @param {number} all */
  found(shown, found, all) {
    if (!found) return "Nothing found.";
    if (shown < found) return `${shown} of ${found} shown: type a part of a word to find others.`;
    return found < all ? `${found} of ${all}.` : `${all} things.`;
  },
  /** @param {string[]} all */
  colours: (all) => `Colours: ${all.join(", ")}.`,
  /** @param {string[]} all */
  styles: (all) => `Styles: ${all.join(", ")}.`,
  /** @param {string[]} all */
  sizes: (all) => `Sizes: ${all.join(", ")}; large without the word.`,
  /** @param {string[]} all */
  places: (all) => `Places: ${all.join(", ")}.`,
};
