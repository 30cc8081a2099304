// What goes on: the progress bar with its text, a live region for those who listen, notes.

import { say } from "../strings.js";
import { showProgress } from "../tab/signal.js";
import { anyById, byId, withText } from "../dom.js";

/** @typedef {import("../engine/protocol.js").Progress} Progress */

/** Milliseconds between two announcements of progress: a screen reader must get to its end. */
const ANNOUNCE_EVERY = 3000;

export function createStatus() {
  const box = anyById("progress");
  const bar = byId("progress-bar", HTMLProgressElement);
  const text = anyById("progress-text");
  const announcement = anyById("announcement");
  const notices = anyById("notices");
  let announced = -Infinity;
  let lastStep = 0;
  let stopping = false;
  /** Whether the run is to rest. */
  let resting = false;
  let lastOf = 0;
  /**
   * When the first step was done, and which it was. @type {{ time: number, step: number } | null}
   */
  let first = null;

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

  /** @param {string} sentence that stays until the next run */
  function note(sentence) {
    notices.hidden = false;
    notices.append(withText("li", sentence));
  }

  /**
   * Time left, judged by the steps after the first: the first also compiles the kernels.
   * @param {number} step
   * @param {number} steps
   */
  function left(step, steps) {
    const time = performance.now();
    if (step > 0) first ??= { time, step };
    if (!first || step <= first.step || step >= steps) return "";
    const seconds = ((time - first.time) / 1000 / (step - first.step)) * (steps - step);
    return `, ${say.left(seconds)}`;
  }

  return {
    /**
     * Another tab is first.
     * @param {string} sentence
     */
    wait: (sentence) => show(sentence),

    /** @param {string} sentence */
    begin(sentence) {
      first = null;
      lastStep = 0;
      stopping = resting = false;
      announced = -Infinity;
      notices.hidden = true;
      notices.replaceChildren();
      show(sentence);
    },

    /** @param {Progress} progress */
    progress(progress) {
      if (progress.event === "loading") {
        const { part, bytes_done: done, bytes_total: total } = progress;
        show(say.loading(part, done, total), total ? done / total : undefined);
      } else if (progress.event === "tuning") {
        const { done, total } = progress;
        show(say.tuning(done, total), done / total);
      } else if (progress.event === "compiling") {
        const { done, total } = progress;
        show(say.compiling(done, total), done / total);
      } else if (progress.event === "step") {
        const { step, steps } = progress;
        lastStep = step;
        lastOf = steps;
        showProgress(step / steps);
        if (!stopping && !resting) show(say.step(step, steps) + left(step, steps), step / steps);
      } else if (progress.event === "decoding") {
        show(say.decoding(), 1);
      } else if (progress.event === "paused") {
        text.textContent = say.paused(lastStep, lastOf);
        announce(text.textContent);
      } else if (progress.event === "notice") {
        note(progress.text);
      }
    },

    note,

    /** The last step that was done. */
    step: () => lastStep,

    /** The user wants it to rest after the step that runs, or to go on. @param {boolean} wish */
    rest(wish) {
      resting = wish;
      // The rest is no part of what a step takes.
      first = null;
      text.textContent = wish ? say.pausing() : say.step(lastStep, lastOf);
    },

    /** The user wants to stop; the step that runs is still finished. */
    cancelling() {
      stopping = true;
      text.textContent = say.cancelling();
    },

    /** @param {string} sentence how it ended, or nothing where a complaint says it */
    end(sentence) {
      showProgress(null);
      bar.hidden = true;
      box.hidden = !sentence;
      text.textContent = sentence;
      announce(sentence);
    },
  };
}
