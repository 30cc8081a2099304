// Installing the page as an app. Some browsers offer it by an event, which is kept until the button
// is pressed; in the others it is in a menu, and the button says where.

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
    // Else the browser would interrupt with a bar of its own.
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
    // It can be used once; a browser that still offers it sends another.
    const asked = offer;
    offer = null;
    const { outcome } = await asked.prompt();
    text.textContent = outcome === "accepted" ? say.installed() : "";
  });
  show();
}
