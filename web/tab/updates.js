// The service worker: makes the page installable and usable offline. A new version is offered once
// nothing runs, and used only when the user says so.

import { serviceWorker } from "../engine/start.js";
import { say } from "../strings.js";
import { anyById, onPress } from "../dom.js";

/** How often a waiting version looks whether it may be offered, and a new one is looked for. */
const LOOK_MS = 1000;
const NEWS_MS = 3_600_000;

/**
 * @param {() => Promise<boolean>} busy whether this or another tab works
 * @param {Promise<void>} loaded a model was loaded, or could not be
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
    // Only the tab that asked is loaded anew: another may have unsaved work.
    if (asked) location.reload();
  });

  // The first visit loads the model before anything is put away for the next.
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
