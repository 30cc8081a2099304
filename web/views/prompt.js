// Around the prompt: how many tokens it has, what the model does not see of it, examples, and what
// a model that knows little can draw. The end that is not seen is also marked where it stands:
// behind the text lies the same text, with a mark.

import { MODEL } from "../options.js";
import { say } from "../strings.js";
import { EXAMPLES, knows, surprise, text } from "../strings/demo.js";
import { anyById, byId, chip, element } from "../dom.js";

/** Milliseconds of rest before tokens are counted. */
const REST_MS = 200;

/** Characters of a prompt in which the end is marked: laying out more takes too long. */
const MARKED_MAX = 10_000;

/**
 * @param {import("../state/page.js").Page} state
 * @param {() => Promise<import("../engine/protocol.js").TokenCount>} tokens of the prompt as the
 * model gets it
 * @param {() => void} onChange
 */
export function createPrompt(state, tokens, onChange) {
  const input = byId("prompt", HTMLTextAreaElement);
  const count = anyById("tokens");
  const cut = anyById("cut");
  const marks = anyById("prompt-marks");
  const unknown = anyById("unknown");
  let timer = 0;
  /** Whether the worker has not yet answered, and whether it is to be asked again. */
  let [waits, again] = [false, false];
  /** Whether the model is the small one of the page. */
  const isSmall = () => state.get().opened?.model === MODEL;

  async function ask() {
    again = waits;
    if (waits) return;
    waits = true;
    const answer = await tokens().catch(() => null);
    waits = false;
    if (again) return ask();
    mark(answer?.cut ?? "");
    count.hidden = !answer;
    cut.hidden = !answer?.cut;
    if (!answer) return;
    count.textContent = say.tokens(answer.used, answer.room, answer.chunks);
    count.classList.toggle("over", !!answer.cut);
    cut.textContent = answer.cut ? say.cut(answer.cut.trim()) : "";
  }

  function judge() {
    const wrong = isSmall() && input.value.trim() !== "" && !knows(input.value);
    unknown.textContent = wrong ? text.unknown() : "";
    unknown.hidden = !wrong;
  }

  /** @param {string} end of the prompt as the model got it; a style may have added to it */
  function mark(end) {
    const typed = input.value.length > MARKED_MAX ? "" : input.value;
    const [seen, wanted] = [typed.trimEnd(), end.trim()];
    const at = wanted && seen.endsWith(wanted) ? seen.length - wanted.length : typed.length;
    marks.replaceChildren(typed.slice(0, at), element("mark", {}, typed.slice(at)));
    marks.scrollTop = input.scrollTop;
  }

  // What was marked is no longer known once something is typed.
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

  /** Counts anew, once nothing has changed for a moment. */
  function countSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      judge();
      void ask();
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
