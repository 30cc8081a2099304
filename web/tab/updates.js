// Registers the service worker, which makes the page installable and usable offline. A new version
// is offered when nothing runs, and used only when the user clicks on it.

import { serviceWorker } from "../engine/start.js";

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
  const workers = navigator.serviceWorker;
  /** @type {ServiceWorker | null} */
  let offered = null;

  /** @param {ServiceWorker | null} worker that waits */
  async function offer(worker) {
    if (!worker || worker === offered) return;
    offered = worker;
    while (await busy()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    (await import("../proof/update.js")).offerUpdate(worker, busy);
  }

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
