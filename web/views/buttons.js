// The form's buttons for a run: Generate, Pause, Cancel, End now.

import { button } from "../dom.js";
import { say } from "../strings.js";

/**
 * Enables and disables the buttons. If the button with the focus is disabled, another gets the
 * focus.
 * @param {import("../state/page.js").PageState} state
 */
export function showButtons({ phase, pausing, task }) {
  const [generate, pause, cancel] = [button("generate"), button("pause"), button("cancel")];
  const hadFocus = document.activeElement;
  generate.disabled = phase === "loading" || phase === "generating";
  // Before the first task there is nothing to cancel.
  cancel.disabled = !generate.disabled || !task;
  pause.disabled = phase !== "generating" || task === "enlarge";
  // While the run rests, it would not be heard.
  const end = button("end-early");
  end.hidden = phase !== "generating" || task !== "generate" || pausing;
  pause.textContent = pausing && !pause.disabled ? say.goOn() : say.pause();
  // The image is in view, and must stay there.
  const stay = { preventScroll: true };
  if (hadFocus === generate && generate.disabled) cancel.focus(stay);
  if (hadFocus === end && end.hidden) (generate.disabled ? cancel : generate).focus(stay);
  if (hadFocus === cancel && cancel.disabled) generate.focus(stay);
}
