// Who computes: the choice in the settings, and which one it is now, in words and on the root
// element for programs.

import { say } from "../strings.js";
import { anyById, byId } from "../dom.js";

/** @param {{ onChoose: () => void }} handlers */
export function createDevice({ onChoose }) {
  const select = byId("device", HTMLSelectElement);
  const root = document.documentElement;
  select.addEventListener("change", () => {
    const options = new URLSearchParams(location.hash.slice(1));
    options.set("device", select.value);
    // Not by assignment: that would fill the form from the address and lose what was typed.
    history.replaceState(history.state, "", `#${options}`);
    onChoose();
  });

  return {
    /** @param {string | undefined} device as the address has it; the engine refuses an odd one */
    choose(device = "auto") {
      if (![...select.options].some(({ value }) => value === device))
        select.add(new Option(device, device));
      select.value = device;
    },

    /** None runs. */
    clear() {
      delete root.dataset["device"];
      anyById("engine-facts").textContent = "";
    },

    /**
     * Returns it in words.
     * @param {string} model
     * @param {import("../engine/protocol.js").Options} how
     * @param {import("../engine/protocol.js").Description} description
     */
    show(model, how, { device, adapter }) {
      root.dataset["device"] = device;
      const facts =
        device === "cpu" ? [model, "f32", say.cpu()] : [model, how.precision ?? "f32", adapter];
      const text = facts.join(" · ");
      anyById("engine-facts").textContent = text;
      return text;
    },
  };
}
