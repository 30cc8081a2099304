// What is around the prompt: the number of tokens, the part that the model does not see, examples,
// and a hint when the built-in model does not know a word. The unseen end is also marked in the
// prompt: an element behind the text area has the same text, with a <mark>.

import { MODEL } from "../options.js";
import { say } from "../strings.js";
import { EXAMPLES, knows, surprise, text } from "../strings/demo.js";
import { anyById, byId, chip, element } from "../dom.js";

/** Milliseconds without a change before tokens are counted. */
const REST_MS = 200;

/** In a longer prompt (in characters) the end is not marked: its layout would take too long. */
const MARKED_MAX = 10_000;

/**
 * @param {import("../state/page.js").Page} state
 * @param {() => Promise<import("../engine/protocol.js").TokenCount>} tokens counts those of the
 * prompt, with the style's words
 * @param {() => void} onChange
 */
export function createPrompt(state, tokens, onChange) {
  const input = byId("prompt", HTMLTextAreaElement);
  const count = anyById("tokens");
  const cut = anyById("cut");
  const marks = anyById("prompt-marks");
  const unknown = anyById("unknown");
  let timer = 0;
  /** Whether a count is under way, and whether the prompt has changed since. */
  let [waits, again] = [false, false];
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

  function showUnknown() {
    const wrong = isSmall() && input.value.trim() !== "" && !knows(input.value);
    unknown.textContent = wrong ? text.unknown() : "";
    unknown.hidden = !wrong;
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

  const examples = EXAMPLES.map((prompt) => chip(prompt, () => use(prompt)));
  const other = chip(say.surprise(), () => use(surprise()));
  anyById("examples").replaceChildren(...examples, other);
  anyById("known-list").textContent = text.list();

  /** Counts again, once nothing has changed for a moment. */
  function countSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      showUnknown();
      void countTokens();
    }, REST_MS);
  }

  state.subscribe(["opened"], ({ opened }) => {
    if (!opened) return;
    for (const one of document.querySelectorAll("[data-small-model]"))
      if (one instanceof HTMLElement) one.hidden = !isSmall();
    countSoon();
  });
  return { count: countSoon };
}
