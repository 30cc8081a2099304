// "Stop after this image": the image in work is finished and kept, then the run ends, and the queue
// with it. Loaded with the first run of several images.

import { queueText as text } from "../strings/queue.js";
import { anyById, chip } from "../dom.js";

/**
 * Adds the button beside Cancel and in the queue.
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {(sentence: string) => void} tell shows the sentence about the end
 */
export function createAfterImage(state, session, tell) {
  let armed = false;
  let made = 0;
  const buttons = ["main-actions", "queue-actions"].map((id) => {
    const button = chip(text.after(), () => set(!armed));
    anyById(id).append(button);
    return button;
  });

  /** @param {boolean} on */
  function set(on) {
    armed = on;
    show();
    anyById("announcement").textContent = on ? text.armed() : text.goesOn();
  }

  function show() {
    const runs = state.get().phase === "generating" && state.get().task === "generate";
    for (const button of buttons) {
      const hadFocus = document.activeElement === button;
      button.hidden = !runs;
      button.ariaPressed = String(armed);
      if (hadFocus && !runs) anyById("generate").focus({ preventScroll: true });
    }
  }

  session.on("start", () => {
    armed = false;
    made = 0;
    show();
  });
  session.on("made", () => {
    made += 1;
    if (!armed) return;
    state.set({ queueRuns: false });
    session.cancel();
  });
  session.on("end", ({ outcome }) => {
    if (armed && outcome === "cancelled") tell(text.stopped(made));
    armed = false;
    show();
  });
  state.subscribe(["phase", "task"], show);
  show();
}
