// Registers the service worker, which makes the page installable and usable offline. A new version
// is offered when nothing runs, and used only when the user clicks on it.

import { serviceWorker } from "../engine/start.js";

/** Milliseconds between two checks whether a new version may be offered. */
const LOOK_MS = 1000;
/** Milliseconds between two checks for a new version. */
const NEWS_MS = 3_600_000;

/**
 * @param {() => Promise<boolean>} busy whether a task runs in this tab or in another
 * @param {Promise<void>} loaded resolved when a model was loaded, or could not be loaded
 */
export async function watchUpdates(busy, loaded) {
  if (!("serviceWorker" in navigator)) return;
  const workers = navigator.serviceWorker;

  /** Offers a version that the service worker has cached beside the one that it serves. */
  async function look() {
    const settings = await caches.open("darkroom-settings");
    if (!(await settings.match("next-version"))) return;
    while (await busy()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    await (await import("../proof/update.js")).offerUpdate(busy);
  }

  // On a first visit the model is loaded first; then the service worker caches the page's files.
  await loaded;
  const registering = workers.register(serviceWorker(), { updateViaCache: "none" });
  const registration = await registering.catch(() => null);
  if (!registration) return;
  void look();
  // A service worker with a new version runs as soon as it has all its files.
  workers.addEventListener("controllerchange", look);
  setInterval(() => registration.update().catch(() => null), NEWS_MS);
}
