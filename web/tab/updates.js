// Registers the service worker, which makes the page installable and usable offline. A new version
// is offered when nothing runs, and used only when the user clicks on it.

import { serviceWorker } from "../engine/start.js";
import { say } from "../strings.js";
import { anyById, onPress } from "../dom.js";

/** Milliseconds between two checks whether a waiting version may be offered. */
const LOOK_MS = 1000;
/** Milliseconds between two checks for a new version. */
const NEWS_MS = 3_600_000;

/**
 * @param {() => Promise<boolean>} busy whether a task runs in this tab or in another
 * @param {Promise<void>} loaded resolved when a model was loaded, or could not be loaded
 */
export async function watchUpdates(busy, loaded) {
  if (!("serviceWorker" in navigator)) return;
  const banner = anyById("update");
  const workers = navigator.serviceWorker;
  /** @type {ServiceWorker | null} */
  let waiting = null;
  let asked = false;

  /** @param {ServiceWorker | null} worker */
  async function offer(worker) {
    if (!worker || worker === waiting) return;
    waiting = worker;
    while (await busy()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    banner.hidden = false;
  }

  onPress("update-later", () => (banner.hidden = true));
  onPress("update-now", async () => {
    if (await busy()) {
      (banner.querySelector("p") ?? banner).textContent = say.updateWaits();
      return;
    }
    asked = true;
    waiting?.postMessage("use");
  });
  workers.addEventListener("controllerchange", () => {
    // Only the tab in which the user clicked is reloaded: others may have unsaved work.
    if (asked) location.reload();
  });

  // On a first visit the model is loaded first; then the service worker caches the page's files.
  await loaded;
  const registering = workers.register(serviceWorker(), { updateViaCache: "none" });
  const registration = await registering.catch(() => null);
  if (!registration) return;
  const look = () => workers.controller && offer(registration.waiting);
  look();
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", look);
  });
  setInterval(() => registration.update().catch(() => null), NEWS_MS);
}
