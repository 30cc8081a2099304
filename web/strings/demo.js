// Prompts to start from, of words that the built-in model knows (demo/words.json).

/** The prompt of the first visit. */
export const FIRST_PROMPT = "a red heart on yellow";

/** A seed with which it gives a good image. */
export const FIRST_SEED = "5";

/** Others, of which some are shown. */
const OTHERS = [
  "a yellow moon on black",
  "a purple castle on pink",
  "a small white cloud on blue",
  "a green palm tree on orange",
  "a black umbrella on red",
  "an orange fish on blue",
  "a white rabbit on green",
  "a small yellow star on purple",
  "a pink flower on white",
  "a gray elephant on pink",
];

/** How many others are shown. */
const SHOWN = 3;

/** The first prompt and some of the others, in another choice at each visit. */
export function examples() {
  const others = OTHERS.map((prompt) => ({ prompt, at: Math.random() }));
  others.sort((a, b) => a.at - b.at);
  return [FIRST_PROMPT, ...others.slice(0, SHOWN).map(({ prompt }) => prompt)];
}
