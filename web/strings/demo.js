// Prompts to start from, of words that the built-in model knows (demo/words.json).

/** The prompt of the first visit. */
export const FIRST_PROMPT = "a penguin on a blue background";

/** A seed with which it gives a good image. */
export const FIRST_SEED = "5";

/** Others, of which some are shown. */
const OTHERS = [
  "a unicorn on a purple background",
  "a fox on a yellow background",
  "a rocket on a black background",
  "a cupcake on a purple background",
  "a jellyfish on a green background",
  "a red car and a blue house on a white background",
  "a small hamburger on orange, in the bottom right corner",
  "a purple outline of a fish on yellow",
  "a purple silhouette of a dragon on pink",
  "a white rabbit on green",
  "a monkey on blue",
  "a raccoon on purple",
  "an orange fish on blue",
  "a yellow moon on black",
];

/** How many others are shown. */
const SHOWN = 3;

/** The first prompt and some of the others, in another choice at each visit. */
export function examples() {
  const others = OTHERS.map((prompt) => ({ prompt, at: Math.random() }));
  others.sort((a, b) => a.at - b.at);
  return [FIRST_PROMPT, ...others.slice(0, SHOWN).map(({ prompt }) => prompt)];
}
