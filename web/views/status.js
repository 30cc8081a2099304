// What goes on: the progress bar with its text, a live region for those who listen, notes.

import { say } from "../strings.js";
import { showProgress } from "../tab/signal.js";
import { anyById, byId, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Progress} Progress */

/** Milliseconds between two announcements of progress: a screen reader must get to its end. */
const ANNOUNCE_EVERY = 3000;

/** @param {import("../session/session.js").Session} session what goes on */
export function createStatus(session) {
  const box = anyById("progress");
  const bar = byId("progress-bar", HTMLProgressElement);
  const text = anyById("progress-text");
  const announcement = anyById("announcement");
  const time = createTimeLeft();
  let announced = -Infinity;
  /** The last step that was done, and how many there are. */
  let [step, steps] = [0, 0];
  /** Whether steps are told: not once the user wants to stop or to pause. */
  let told = true;

  /**
   * @param {string} sentence
   * @param {number} [fraction] without it the bar only shows that something goes on
   */
  function show(sentence, fraction) {
    box.hidden = bar.hidden = false;
    text.textContent = sentence;
    if (fraction === undefined) bar.removeAttribute("value");
    else bar.value = fraction;
    if (performance.now() - announced > ANNOUNCE_EVERY) announce(sentence);
  }

  /** @param {string} sentence */
  function announce(sentence) {
    announced = performance.now();
    announcement.textContent = sentence;
  }

  /** @param {string} sentence how it ended, or nothing where a complaint says it */
  function end(sentence) {
    showProgress(null);
    bar.hidden = true;
    box.hidden = !sentence;
    text.textContent = sentence;
    announce(sentence);
  }

  session.on("begin", (sentence) => {
    time.restart();
    step = 0;
    told = true;
    announced = -Infinity;
    clearNotes();
    show(sentence);
  });
  session.on("progress", (progress) => {
    if (progress.event === "notice") return note(progress.text);
    if (progress.event === "paused") {
      text.textContent = say.paused(step, steps);
      return announce(text.textContent);
    }
    if (progress.event !== "step") {
      const sentence = sentenceOf(progress);
      return sentence && show(...sentence);
    }
    ({ step, steps } = progress);
    showProgress(step / steps);
    const left = time.left(step, steps);
    if (told) show(say.step(step, steps) + left, step / steps);
  });
  session.on("pause", (wish) => {
    told = !wish;
    // The pause is no part of what a step takes.
    time.restart();
    text.textContent = wish ? say.pausing() : say.step(step, steps);
  });
  session.on("cancelling", () => {
    told = false;
    text.textContent = say.cancelling();
  });
  session.on("wait", () => show(say.waiting()));
  session.on("note", note);
  session.on("said", end);
  return { end };
}

/**
 * What of a run's progress is told beside its steps: a sentence, and which part is done.
 * @param {Progress} progress
 * @returns {[sentence: string, fraction?: number] | null}
 */
function sentenceOf(progress) {
  if (progress.event === "loading") {
    const { part, bytes_done: done, bytes_total: total } = progress;
    const sentence = say.loading(part, done, total);
    return total ? [sentence, done / total] : [sentence];
  }
  if (progress.event === "tuning" || progress.event === "compiling") {
    const { event, done, total } = progress;
    return [say[event](done, total), done / total];
  }
  return progress.event === "decoding" ? [say.decoding(), 1] : null;
}

/** @param {string} sentence that stays until the next run */
function note(sentence) {
  anyById("notices").hidden = false;
  anyById("notices").append(withText("li", sentence));
}

function clearNotes() {
  anyById("notices").hidden = true;
  anyById("notices").replaceChildren();
}

/** Time left, judged by the steps after the first: the first also compiles the kernels. */
function createTimeLeft() {
  /** When the first step was done, and which. @type {{ time: number, step: number } | null} */
  let first = null;
  return {
    restart: () => (first = null),

    /** In words. @param {number} step @param {number} steps */
    left(step, steps) {
      const time = performance.now();
      if (step > 0) first ??= { time, step };
      if (!first || step <= first.step || step >= steps) return "";
      const seconds = ((time - first.time) / 1000 / (step - first.step)) * (steps - step);
      return `, ${say.left(seconds)}`;
    },
  };
}
