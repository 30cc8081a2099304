// The page's texts about the words that the built-in model knows.

/** The most unknown words that are named. */
const NAMED_MAX = 4;

const and = new Intl.ListFormat("en", { type: "conjunction" });

export const demoWords = {
  /** @param {string[]} words */
  unknown(words) {
    const named = words.slice(0, NAMED_MAX).map((word) => `“${word}”`);
    const more = words.length - named.length;
    if (more) named.push(`${more} more`);
    return `The demo model does not know ${and.format(named)}. What it draws is listed below.`;
  },
  noThing: () =>
    "The prompt names nothing that the demo model draws. What it draws is listed below.",
  failed: () => "The list could not be loaded. Check the connection, then open it again.",
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
