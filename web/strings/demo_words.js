// The page's texts about the words that the built-in model knows.

/** Names that the model knows without their marks. @type {Record<string, string>} */
const SHOWN = {
  "womans hat": "woman’s hat",
  "womans boot": "woman’s boot",
  "mans shoe": "man’s shoe",
  "t shirt": "t-shirt",
  dna: "DNA",
};

/** The most things of an image. */
const THINGS_MAX = 2;

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
  /**
   * What to say of a prompt; nothing where all is known.
   * @param {import("../demo/words.js").Checked} checked
   */
  about({ unknown, instead, things, hasThing }) {
    const few = (/** @type {string[]} */ words) => {
      const more = words.length - NAMED_MAX;
      return and.format([...words.slice(0, NAMED_MAX), ...(more > 0 ? [`${more} more`] : [])]);
    };
    const spelled = instead.map(([given, known]) => `${quoted(known)} for ${quoted(given)}`);
    const words = few(unknown.map(quoted));
    const it = unknown.length > 1 ? "them" : "it";
    const said = [
      words && `The demo model does not know ${words}, and passes over ${it}.`,
      instead.length ? `For the demo model, write ${few(spelled)}.` : "",
      things > THINGS_MAX ? `It draws at most ${THINGS_MAX} things.` : "",
      hasThing ? "" : "The prompt names nothing that the demo model draws.",
    ].filter(Boolean);
    return said.length ? `${said.join(" ")} What it draws is listed below.` : "";
  },
  failed: () => "The list could not be loaded. Check the connection, then reload the page.",
  search: () => "Search",
  things: () => "Things",
  /** A name as it is read; the model knows it as it was trained. @param {string} name */
  shown: (name) => SHOWN[name] ?? name,
  seeds: () =>
    "A prompt that names a thing and a background gives nearly the same image with every seed. " +
    "The seed chooses what the prompt leaves open.",
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
