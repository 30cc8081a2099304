// The device: its choice in the settings; and the one that computes now, as text, and as an
// attribute of the root element for programs that watch the page.

import { anyById, byId } from "../dom.js";

/**
 * @param {import("../state/page.js").Page} state
 * @param {{ onChoose: () => void }} handlers
 */
export function createDevice(state, { onChoose }) {
  const select = byId("device", HTMLSelectElement);
  select.addEventListener("change", () => {
    const options = new URLSearchParams(location.hash.slice(1));
    options.set("device", select.value);
    // Not by `location.hash = …`: that would fill the form from the URL and lose typed text.
    history.replaceState(history.state, "", `#${options}`);
    onChoose();
  });
  state.subscribe(["choice"], ({ choice }) => {
    // The device of the URL; the engine reports an unknown one.
    const { device = "auto" } = choice.how;
    if (![...select.options].some(({ value }) => value === device))
      select.add(new Option(device, device));
    select.value = device;
  });
  state.subscribe(["opened"], ({ opened }) => {
    const root = document.documentElement;
    if (opened) root.dataset["device"] = opened.description.device;
    else delete root.dataset["device"];
    anyById("engine-facts").textContent = opened?.engine ?? "";
  });
}
