// Around the prompt: how many tokens it has, what the model does not see of it, and examples.

import { EXAMPLES, say, surprise } from "../strings.js";
import { anyById, byId, chip } from "./dom.js";

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
  let timer = 0;
  /** The latest question; an older one's answer is no longer of interest. */
  let asked = 0;

  async function ask() {
    const mine = ++asked;
    const answer = await tokens().catch(() => null);
    if (mine !== asked) return;
    count.hidden = !answer;
    cut.hidden = !answer?.cut;
    if (!answer) return;
    count.textContent = say.tokens(answer.used, answer.room, answer.chunks);
    count.classList.toggle("over", !!answer.cut);
    cut.textContent = answer.cut ? say.cut(answer.cut.trim()) : "";
  }

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
