// The words that the built-in model knows, as in its README, and the page's texts about them.

/** Prompts to start from. */
export const EXAMPLES = [
  "a red heart on yellow",
  "a yellow moon on black",
  "a purple castle on pink",
  "a small white cloud on blue",
];

/** A seed with which the first example gives a good image. */
export const FIRST_SEED = "5";

/** The shapes that the model knows. */
export const OBJECTS = (
  "cat,dog,elephant,duck,fish,rabbit,bird,snail,butterfly,car,truck,rocket,airplane,sailboat," +
  "house,castle,tree,palm tree,flower,cactus,mushroom,apple,cherry,ice cream,cup,heart,star,moon," +
  "sun,cloud,umbrella,lightning bolt,crown,key,bell,anchor,ghost,leaf,diamond,circle,square," +
  "triangle,guitar,puzzle piece"
).split(",");
const COLOURS = "white black gray red orange yellow green blue purple pink".split(" ");

/** A random prompt of words that the model knows. */
export function surprise() {
  const any = (/** @type {string[]} */ list) => list[Math.floor(Math.random() * list.length)] ?? "";
  const colour = any(COLOURS);
  const ground = any(COLOURS.filter((other) => other !== colour));
  const article = (/** @type {string} */ word) => `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
  return `${article(colour)} ${any(OBJECTS)} on ${article(ground)} background`;
}

/** The most characters of a prompt that are searched: no model reads more. */
const SEARCHED_MAX = 2000;
const KNOWN = new RegExp(`\\b(${OBJECTS.join("|")})\\b`, "i");

/**
 * Whether a prompt has a shape that the model knows.
 * @param {string} prompt
 */
export const knows = (prompt) => KNOWN.test(prompt.slice(0, SEARCHED_MAX));

export const text = {
  unknown: () =>
    "This small demo model draws only the shapes listed below. For anything else, get the full " +
    "Stable Diffusion.",
  list: () => `Shapes: ${OBJECTS.join(", ")}. Colours: ${COLOURS.join(", ")}.`,
};
