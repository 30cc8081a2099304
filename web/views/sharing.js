// The switch for Cross-Origin Storage, in the library; only where the browser has that storage.

import { element, withText } from "../dom.js";
import { canShare, giveShared, isShared, setShared, takeShared } from "../store/sharing.js";
import { text } from "../strings/sharing.js";

/** @typedef {import("../store/protocol.js").StoredModel} StoredModel */

/**
 * Shows the switch.
 * @param {HTMLElement} place
 * @param {import("../store/client.js").Store} store
 */
export function addSwitch(place, store) {
  const input = element("input", { id: "sharing", type: "checkbox", checked: isShared() });
  const hint = element("p", { id: "sharing-hint", className: "hint" }, text.hint());
  const told = withText("p", "");
  told.setAttribute("role", "status");
  input.setAttribute("aria-describedby", hint.id);
  input.addEventListener("change", () => {
    setShared(input.checked);
    told.textContent = input.checked && !canShare() ? text.later() : "";
  });
  place.append(element("label", { className: "check" }, input, ` ${text.label()}`), hint, told);

  return {
    /** Takes a model from there. */
    take: (
      /** @type {StoredModel} */ model,
      /** @type {import("../store/client.js").Listener} */ listen,
    ) => takeShared(model, store, listen),
    /** Gives a fetched model, while the page goes on. @param {StoredModel} model */
    give: (model) => {
      const { title } = model.manifest;
      giveShared(model, store).then(
        (given) => given && (told.textContent = text.given(title)),
        ({ message }) => (told.textContent = text.notGiven(title, message)),
      );
    },
  };
}
