// Around the prompt: how many tokens it has, what the model does not see of it, and examples. That
// end is also marked where it stands: behind the text lies the same text, with a mark.

import { EXAMPLES, say, surprise } from "../strings.js";
import { anyById, byId, chip, element } from "./dom.js";

/** Milliseconds of rest before tokens are counted. */
const REST_MS = 200;

/**
 * @param {() => Promise<import("../engine/protocol.js").TokenCount>} tokens of the prompt as the
 * model gets it
 * @param {() => void} onChange
 */
export function createPrompt(tokens, onChange) {
  const input = byId("prompt", HTMLTextAreaElement);
  const count = anyById("tokens");
  const cut = anyById("cut");
  const marks = anyById("prompt-marks");
  let timer = 0;
  /** The latest question; an older one's answer is no longer of interest. */
  let asked = 0;

  async function ask() {
    const mine = ++asked;
    const answer = await tokens().catch(() => null);
    if (mine !== asked) return;
    mark(answer?.cut ?? "");
    count.hidden = !answer;
    cut.hidden = !answer?.cut;
    if (!answer) return;
    count.textContent = say.tokens(answer.used, answer.room, answer.chunks);
    count.classList.toggle("over", !!answer.cut);
    cut.textContent = answer.cut ? say.cut(answer.cut.trim()) : "";
  }

  /** @param {string} end of the prompt as the model got it; a style may have added to it */
  function mark(end) {
    const text = input.value;
    const [seen, wanted] = [text.trimEnd(), end.trim()];
    const at = wanted && seen.endsWith(wanted) ? seen.length - wanted.length : text.length;
    marks.replaceChildren(text.slice(0, at), element("mark", {}, text.slice(at)));
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

  return {
    /** Counts anew, once nothing has changed for a moment. */
    count() {
      clearTimeout(timer);
      timer = setTimeout(ask, REST_MS);
    },
  };
}
