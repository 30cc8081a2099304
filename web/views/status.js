// The status of the task: the progress bar with its text, a live region for screen readers, notes.

import { say } from "../strings.js";
import { showProgress } from "../tab/signal.js";
import { anyById, byId, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Progress} Progress */

/** Milliseconds between two announcements of progress: a screen reader needs time to finish one. */
const ANNOUNCE_EVERY = 3000;

/** @param {import("../session/session.js").Session} session */
export function createStatus(session) {
  const box = anyById("progress");
  const bar = byId("progress-bar", HTMLProgressElement);
  const text = anyById("progress-text");
  const announcement = anyById("announcement");
  const time = createTimeLeft();
  let announced = -Infinity;
  /** The last finished step, and the number of steps. */
  let [step, steps] = [0, 0];
  /** Whether steps are shown: not after the user has clicked Cancel or Pause. */
  let showsSteps = true;

  /**
   * @param {string} sentence
   * @param {number} [fraction] without it the bar only shows that something runs
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

  /** The task has ended. @param {string} sentence empty if a fault is shown instead */
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
    showsSteps = true;
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
    if (showsSteps) show(say.step(step, steps) + left, step / steps);
  });
  session.on("pause", (pausing) => {
    showsSteps = !pausing;
    // The pause must not count as time of a step.
    time.restart();
    text.textContent = pausing ? say.pausing() : say.step(step, steps);
  });
  session.on("cancelling", () => {
    showsSteps = false;
    text.textContent = say.cancelling();
  });
  session.on("wait", () => show(say.waiting()));
  session.on("note", note);
  session.on("said", end);
  return { end };
}

/**
 * The sentence for progress that is not a step, and the fraction that is done; null if it is not
 * shown.
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
  if (progress.event === "enlarging")
    return [say.enlarging(progress.done, progress.total), progress.done / progress.total];
  return progress.event === "decoding" ? [say.decoding(), 1] : null;
}

/** @param {string} sentence that stays until the next task */
function note(sentence) {
  anyById("notices").hidden = false;
  anyById("notices").append(withText("li", sentence));
}

function clearNotes() {
  anyById("notices").hidden = true;
  anyById("notices").replaceChildren();
}

/** Estimates the time left by the steps after the first one, which also compiles kernels. */
function createTimeLeft() {
  /** The first finished step, and when. @type {{ time: number, step: number } | null} */
  let first = null;
  return {
    restart: () => (first = null),

    /** The time left, as text. @param {number} step @param {number} steps */
    left(step, steps) {
      const time = performance.now();
      if (step > 0) first ??= { time, step };
      if (!first || step <= first.step || step >= steps) return "";
      const seconds = ((time - first.time) / 1000 / (step - first.step)) * (steps - step);
      return `, ${say.left(seconds)}`;
    },
  };
}
