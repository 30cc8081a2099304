// The device and how much of its memory may be taken: their choices in the settings; and the device
// that computes now, as text, and as an attribute of the root element for programs that watch the
// page.

import { anyById, byId } from "../dom.js";

/**
 * @param {import("../state/page.js").Page} state
 * @param {{ onChoose: () => void }} handlers
 */
export function createDevice(state, { onChoose }) {
  for (const name of /** @type {const} */ (["device", "memory"])) {
    const select = byId(name, HTMLSelectElement);
    select.addEventListener("change", () => {
      const options = new URLSearchParams(location.hash.slice(1));
      options.set(name, select.value);
      // Not by `location.hash = …`: that would fill the form from the URL and lose typed text.
      history.replaceState(history.state, "", `#${options}`);
      onChoose();
    });
    state.subscribe(["choice"], ({ choice }) => {
      // That of the URL; the engine reports an unknown one.
      const { [name]: chosen = "auto" } = choice.how;
      if (![...select.options].some(({ value }) => value === chosen))
        select.add(new Option(chosen, chosen));
      select.value = chosen;
    });
  }
  state.subscribe(["opened"], ({ opened }) => {
    const root = document.documentElement;
    if (opened) root.dataset["device"] = opened.description.device;
    else delete root.dataset["device"];
    anyById("engine-facts").textContent = opened?.engine ?? "";
  });
}
