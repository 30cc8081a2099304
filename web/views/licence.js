// The dialog with a model's licence, before the first byte of the model is fetched.

import { library as text } from "../strings/library.js";
import { withText } from "../dom.js";

/**
 * Shows the whole text of the licence; resolves to whether the user accepted it.
 * @param {import("../store/protocol.js").StoredModel} model
 * @returns {Promise<boolean>}
 */
export function askLicence({ manifest, licence_text: licence }) {
  const dialog = document.createElement("dialog");
  const form = document.createElement("form");
  const words = withText("pre", licence ?? "");
  const heading = withText("h2", text.licence(manifest.licence.name, manifest.title));
  heading.id = "licence-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.className = "licence";
  words.tabIndex = 0;
  form.method = "dialog";
  form.className = "actions";
  for (const [value, label] of [
    ["accept", text.accept()],
    ["refuse", text.refuse()],
  ]) {
    const button = /** @type {HTMLButtonElement} */ (withText("button", label ?? ""));
    button.value = value ?? "";
    form.append(button);
  }
  dialog.append(heading, withText("p", text.mustAccept()), words, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "accept");
    });
  });
}
