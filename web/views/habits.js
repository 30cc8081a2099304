// What people are used to who make many images, each loaded when it is first used: weights by keys,
// the history of prompts, presets, and the end of a run after its present image.

import { DEFAULTS, isOfStartImage } from "../request/defaults.js";
import { anyById, byId, onPress } from "../dom.js";
import { read } from "./controls.js";

/** @typedef {import("../prompt/history.js").Prompt} Prompt */

/** What reads like a weight in round brackets, or like a tag. */
const WEIGHT = /\([^()]*:\s*[\d.]|<lora:/;

const PROMPTS = /** @type {const} */ (["prompt", "negative_prompt"]);

/** Fields of a part of the form by their names. @param {(name: string) => boolean} which */
const typedFields = (which) =>
  Object.fromEntries([...DEFAULTS.keys()].filter(which).map((name) => [name, read(name)]));

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {import("../views/form.js").Form} form
 * @param {{ fill: (fields: [string, string][]) => void, toForm: () => void,
 *   end: (sentence: string) => void, tell: (error: unknown) => void }} page `end` shows the
 * sentence about a task that has ended
 */
export function createHabits(state, session, form, { fill, toForm, end, tell }) {
  /**
   * Makes something at its first use; a failure is told, and the next use tries again.
   * @template T
   * @param {() => Promise<T>} load
   */
  function lazily(load) {
    /** @type {Promise<T> | null} */
    let loading = null;
    return (/** @type {(made: T) => void} */ use) => {
      loading ??= load();
      loading.then(use).catch((error) => {
        loading = null;
        tell(error);
      });
    };
  }

  const weights = lazily(() => import("../prompt/weight_keys.js"));
  const prompts = PROMPTS.map((id) => byId(id, HTMLTextAreaElement));
  let told = false;
  function tellOfWeights() {
    const values = prompts.map(({ value }) => value);
    const has = values.some((value) => WEIGHT.test(value));
    if (!has && !told) return;
    told = true;
    weights((module) =>
      module.tellOfWeights(
        values,
        typedFields(() => true),
        fill,
      ),
    );
  }
  for (const field of prompts)
    field.addEventListener("keydown", (event) => {
      const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
      const by = { ArrowUp: 1, ArrowDown: -1 }[key] ?? 0;
      if (altKey && key === "ArrowDown") openHistory();
      else if (by && ctrlKey !== metaKey && !altKey && !shiftKey)
        weights(({ changeWeight }) => changeWeight(field, by));
      else return;
      event.preventDefault();
    });
  anyById("form").addEventListener("input", tellOfWeights);

  const history = lazily(() =>
    import("../prompt/history_dialog.js").then(({ createHistory }) => createHistory(toForm)),
  );
  const openHistory = () => history((dialog) => dialog.open());
  onPress("prompt-history", openHistory);
  onPress("privacy-history", openHistory);

  const presets = lazily(() =>
    import("../presets/dialog.js").then(({ createPresets }) =>
      createPresets({
        all: () => ({
          ...typedFields((name) => !isOfStartImage(name)),
          ...Object.fromEntries(form.changes()),
        }),
        changed: () => Object.fromEntries(form.changes()),
        ...{ fill, tell },
      }),
    ),
  );
  onPress("presets", () => presets((dialog) => dialog.open()));

  const afterImage = lazily(() =>
    import("../queue/after_image.js").then(({ createAfterImage }) =>
      createAfterImage(state, session, end),
    ),
  );
  state.subscribe(["task"], ({ task, queueRuns }) => {
    if (task === "generate" && (queueRuns || Number(read("count")) > 1)) afterImage(() => {});
  });

  const remembering = lazily(() => import("../prompt/history.js"));
  return watchPrompts(session, form, prompts, (prompt) =>
    remembering(({ addPrompt }) => addPrompt(prompt)),
  );
}

/**
 * Remembers the prompts of images once they are made.
 * @param {import("../session/session.js").Session} session
 * @param {import("../views/form.js").Form} form
 * @param {HTMLTextAreaElement[]} prompts the form's
 * @param {(prompt: Prompt) => void} remember
 */
function watchPrompts(session, form, prompts, remember) {
  /** The prompts as typed when Generate was pressed, and with the style's words. */
  let typed = { prompt: "", negative: "", whole: "" };
  /** What was remembered last: a run may make many images of it. */
  let last = "";
  const wholeOf = (/** @type {Record<string, any>} */ { prompt, negative_prompt: negative }) =>
    JSON.stringify([prompt ?? "", negative ?? ""]);
  // Prompts that were expanded are remembered as they were before; a grid has one entry.
  session.on("made", ({ request, origin, enlarged }) => {
    const made = { ...request, ...origin?.template };
    const whole = wholeOf(made);
    const now = origin?.grid ?? whole;
    if (enlarged || now === last) return;
    last = now;
    const { prompt, negative_prompt: negative = "" } = made;
    const own = whole === typed.whole ? typed : { prompt, negative: String(negative) };
    remember({ prompt: own.prompt, negative: own.negative });
  });
  return {
    /** The user makes an image of what is typed. */
    generated() {
      const [prompt = "", negative = ""] = prompts.map(({ value }) => value);
      typed = { prompt, negative, whole: wholeOf(form.fields()) };
      last = "";
    },
  };
}
