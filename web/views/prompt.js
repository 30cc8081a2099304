// What is around the prompt: the number of tokens, the part that the model does not see, examples,
// and which words the built-in model does not know. The unseen end is also marked in the
// prompt: an element behind the text area has the same text, with a <mark>.

import { MODEL } from "../options.js";
import { say } from "../strings.js";
import { examples } from "../strings/demo.js";
import { anyById, byId, chip, element, setText } from "../dom.js";

/** Milliseconds without a change before tokens are counted. */
const REST_MS = 200;

/** In a longer prompt (in characters) the end is not marked: its layout would take too long. */
const MARKED_MAX = 10_000;

const texts = () => import("../strings/demo_words.js");

/** What knows the words of the built-in model, and the texts about them. */
const loadWords = () =>
  Promise.all([import("../demo/words.js").then(({ words }) => words()), texts()]);

/**
 * What is to be said of a prompt for the built-in model, and the prompt in its spelling.
 * @param {string} prompt
 * @param {string[]} taught words of it that call textual inversions
 */
async function checkedWords(prompt, taught) {
  const [words, { demoWords }] = await loadWords();
  const checked = words.check(prompt, taught);
  return [demoWords.about(checked), words.respelled(prompt, checked.instead)];
}

/** Fills the list of what that model draws. @param {(prompt: string) => void} use */
async function showKnown(use) {
  const place = anyById("known-list");
  if (place.childElementCount) return;
  try {
    const [[words], { showList }] = await Promise.all([loadWords(), import("../demo/list.js")]);
    showList(place, words, use);
  } catch {
    place.textContent = await texts().then(
      ({ demoWords }) => demoWords.failed(),
      () => "",
    );
  }
}

/**
 * @param {import("../state/page.js").Page} state
 * @param {() => Promise<import("../engine/protocol.js").TokenCount>} tokens counts those of the
 * prompt, with the style's words
 * @param {() => void} onChange
 * @param {object} addons
 * @param {() => boolean} addons.mayTeach whether a LoRA is chosen that may know other words
 * @param {(prompt: string) => string[]} addons.taught words that call textual inversions
 */
export function createPrompt(state, tokens, onChange, { mayTeach, taught }) {
  const input = byId("prompt", HTMLTextAreaElement);
  const count = anyById("tokens");
  const cut = anyById("cut");
  const marks = anyById("prompt-marks");
  const get = anyById("unknown-get");
  const respell = anyById("unknown-use");
  let timer = 0;
  /** Whether a count is under way, and whether the prompt has changed since. */
  let [waits, again] = [false, false];
  /** Counts looks for unknown words: an older one that ends later is ignored. */
  let looks = 0;
  /** Whether the model is the built-in one. */
  const isSmall = () => state.get().opened?.model === MODEL;

  async function countTokens() {
    again = waits;
    if (waits) return;
    waits = true;
    const answer = await tokens().catch(() => null);
    waits = false;
    if (again) return countTokens();
    mark(answer?.cut ?? "");
    count.hidden = !answer;
    cut.hidden = !answer?.cut;
    if (!answer) return;
    count.textContent = say.tokens(answer.used, answer.room, answer.chunks);
    count.classList.toggle("over", !!answer.cut);
    cut.textContent = answer.cut ? say.cut(answer.cut.trim()) : "";
  }

  /** Without the list of words nothing is said. */
  async function showUnknown() {
    const mine = (looks += 1);
    const prompt = input.value;
    const asks = isSmall() && prompt.trim() !== "" && !mayTeach() && !prompt.includes("<lora:");
    const checked = asks ? await checkedWords(prompt, taught(prompt)).catch(() => []) : [];
    if (mine !== looks || prompt !== input.value) return;
    const [said = "", better = prompt] = checked;
    // The text's element is never hidden: a screen reader would not tell what it says then.
    setText(anyById("unknown-text"), said);
    get.hidden = !said;
    respell.hidden = better === prompt;
    respell.onclick = () => use(better);
  }

  /**
   * Marks the end of the prompt.
   * @param {string} end that the model does not see; a style may have added words to it
   */
  function mark(end) {
    const typed = input.value.length > MARKED_MAX ? "" : input.value;
    const [seen, wanted] = [typed.trimEnd(), end.trim()];
    const at = wanted && seen.endsWith(wanted) ? seen.length - wanted.length : typed.length;
    marks.replaceChildren(typed.slice(0, at), element("mark", {}, typed.slice(at)));
    marks.scrollTop = input.scrollTop;
  }

  // After a change the mark may be wrong, until the tokens are counted again.
  input.addEventListener("input", () => mark(""));
  input.addEventListener("scroll", () => (marks.scrollTop = input.scrollTop));

  /** @param {string} prompt */
  function use(prompt) {
    input.value = prompt;
    input.focus();
    onChange();
  }

  const chips = examples().map((prompt) => chip(prompt, () => use(prompt)));
  const surprise = async () => use((await loadWords())[0].prompt());
  const other = chip(say.surprise(), () => void surprise().catch(() => {}));
  anyById("examples").replaceChildren(...chips, other);
  byId("known", HTMLDetailsElement).addEventListener("toggle", ({ target }) => {
    if (/** @type {HTMLDetailsElement} */ (target).open) void showKnown(use);
  });

  /** Counts again, once nothing has changed for a moment. */
  function countSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      void showUnknown();
      void countTokens();
    }, REST_MS);
  }

  state.subscribe(["opened"], ({ opened }) => {
    if (!opened) return;
    for (const one of document.querySelectorAll("[data-small-model]"))
      if (one instanceof HTMLElement) one.hidden = !isSmall();
    countSoon();
  });
  return {
    count: countSoon,
    /** The built-in model's words come while it is opened: nothing is requested during a run. */
    prepare() {
      const { phase, choice } = state.get();
      // What fails is tried again when the words are used.
      if (phase === "loading" && choice.model === MODEL) void loadWords().catch(() => {});
    },
  };
}
