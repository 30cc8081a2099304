// What the page does with the network and the disk: every request, the browser's rules, the
// offline lock, and a way to forget everything.

import { say } from "../strings.js";
import { text } from "../strings/network.js";
import { watchRequests } from "../engine/requests.js";
import { watchWorkers } from "../engine/start.js";
import { forgetAll } from "../storage/forget.js";
import { Store } from "../store/client.js";
import { anyById, byId, element, onPress, remember, remembered, withText } from "../dom.js";
import { createPins } from "./pins.js";

/** @typedef {import("../engine/protocol.js").NetworkRequest} NetworkRequest */

/** Rows of the table; what is older is still counted. */
const ROWS_MAX = 1000;

/** What the page says after it was deleted and has begun anew. */
const TOLD = "darkroom.deleted";

/** Says it once. */
export function toldBefore() {
  try {
    const told = sessionStorage.getItem(TOLD);
    sessionStorage.removeItem(TOLD);
    return told;
  } catch {
    return null;
  }
}

/** @param {() => void} onLock hears that the offline lock was set or taken off */
export function createPrivacy(onLock) {
  const lock = byId("offline-lock", HTMLInputElement);
  let count = 0;
  let foreign = 0;
  let broken = 0;
  /** @type {number[]} when each request was made */
  const times = [];
  /** @type {{ begun: number, ended: number }[]} */
  const runs = [];

  /** @param {NetworkRequest[]} requests */
  function hear(requests) {
    for (const { url, time, bytes, by, failed } of requests) {
      count += 1;
      times.push(time);
      if (new URL(url).origin !== location.origin) foreign += 1;
      const cells = [
        new Date(time).toLocaleTimeString(),
        url,
        by,
        failed ? text.failed() : bytes || "–",
      ];
      const row = element("tr", {}, ...cells.map((cell) => withText("td", String(cell))));
      if (count <= ROWS_MAX) anyById("requests").append(row);
    }
    show();
  }

  function show() {
    const during = times.filter((time) =>
      runs.some(({ begun, ended }) => time >= begun && time <= ended),
    );
    anyById("requests-all").textContent = String(count);
    anyById("requests-generating").textContent = String(during.length);
    anyById("requests-foreign").textContent = String(foreign);
    anyById("violations").textContent = String(broken);
  }

  async function showStorage() {
    const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    anyById("storage").textContent = say.storage(usage, quota);
  }

  function showLock() {
    const { controller } = navigator.serviceWorker ?? {};
    lock.disabled = !controller;
    lock.checked = remembered("offline-lock") === "yes";
    anyById("offline-hint").textContent = controller ? "" : say.noServiceWorker();
    controller?.postMessage({ offlineLock: lock.checked });
  }

  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]');
  const rules = (policy?.getAttribute("content") ?? "").split(";").map((rule) => rule.trim());
  anyById("policy").append(...rules.filter(Boolean).map((rule) => withText("li", rule)));

  /** @type {Store | null} */
  let store = null;
  const pins = createPins(() => (store ??= new Store()));
  watchRequests(hear);
  watchWorkers(hear);
  const { serviceWorker } = navigator;
  serviceWorker?.addEventListener("message", ({ data }) => data?.requests && hear(data.requests));
  serviceWorker?.startMessages();
  document.addEventListener("securitypolicyviolation", () => {
    broken += 1;
    show();
  });
  lock.addEventListener("change", () => {
    remember("offline-lock", lock.checked ? "yes" : null);
    showLock();
    onLock();
  });
  navigator.serviceWorker?.addEventListener("controllerchange", showLock);
  onPress("forget", async () => {
    const stored = await modelTitles();
    if (!confirm(text.confirmForget(stored))) return;
    const told = await forgetAll();
    anyById("forgotten").textContent = told;
    // The page itself begins anew, and says it again.
    try {
      sessionStorage.setItem(TOLD, told);
      location.replace(location.pathname);
    } catch {
      // It is said above already.
    }
  });
  showLock();

  return {
    hear,

    /** Begins to count requests as made while generating; returns how to end. */
    watchRun() {
      const run = { begun: Date.now(), ended: Infinity };
      runs.push(run);
      return () => {
        run.ended = Date.now();
        show();
      };
    },

    enter() {
      showStorage();
      showLock();
      show();
      void pins.enter();
    },
  };
}

/** Titles of the models that are stored; none where they cannot be listed. */
async function modelTitles() {
  const soon = new Promise((/** @type {(none: never[]) => void} */ done) =>
    setTimeout(() => done([]), 10_000),
  );
  const models = await Promise.race([new Store().list().catch(() => []), soon]);
  return models.map(({ manifest }) => manifest.title);
}
