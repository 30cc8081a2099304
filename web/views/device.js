// Who computes: the choice in the settings, and which one it is now, in words and on the root
// element for programs.

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
    // Not by assignment: that would fill the form from the address and lose what was typed.
    history.replaceState(history.state, "", `#${options}`);
    onChoose();
  });
  state.subscribe(["choice"], ({ choice }) => {
    // As the address has it; the engine refuses an odd one.
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
