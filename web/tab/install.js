// Installs the page as an app. Some browsers send an event with a prompt, which is kept until the
// user clicks the button; in the others it is in a menu, and the button shows where.

import { say } from "../strings.js";
import { anyById, button, onPress } from "../dom.js";

/** @typedef {Event & { prompt: () => Promise<{ outcome: "accepted" | "dismissed" }> }} Offer */

export function watchInstall() {
  const text = anyById("install-text");
  const standalone = matchMedia("(display-mode: standalone)");
  /** @type {Offer | null} */
  let offer = null;

  function show() {
    button("install").hidden = standalone.matches;
  }

  addEventListener("beforeinstallprompt", (event) => {
    // Otherwise the browser would show a bar of its own.
    event.preventDefault();
    offer = /** @type {Offer} */ (event);
  });
  addEventListener("appinstalled", () => {
    text.textContent = say.installed();
    button("install").hidden = true;
  });
  standalone.addEventListener("change", show);
  onPress("install", async () => {
    if (!offer) {
      text.textContent = say.installYourself();
      return;
    }
    // A prompt works only once; the browser may send another one later.
    const asked = offer;
    offer = null;
    const { outcome } = await asked.prompt();
    text.textContent = outcome === "accepted" ? say.installed() : "";
  });
  show();
}
