// What the page does with the network and the disk: every request, the browser's rules, the
// offline lock, and a way to forget everything.

import { say } from "../strings.js";
import { watchRequests } from "../engine/requests.js";
import { deleteAll } from "../storage/database.js";
import { anyById, byId, element, onPress, remember, remembered, withText } from "./dom.js";

/** @typedef {import("../engine/protocol.js").NetworkRequest} NetworkRequest */

/** Rows of the table; what is older is still counted. */
const ROWS_MAX = 1000;

/** @param {(error: unknown) => void} onFault */
export function createPrivacy(onFault) {
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
    for (const { url, time, bytes, by } of requests) {
      count += 1;
      times.push(time);
      if (new URL(url).origin !== location.origin) foreign += 1;
      const cells = [new Date(time).toLocaleTimeString(), url, by, bytes || "–"];
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

  watchRequests(hear);
  document.addEventListener("securitypolicyviolation", () => {
    broken += 1;
    show();
  });
  lock.addEventListener("change", () => {
    remember("offline-lock", lock.checked ? "yes" : null);
    showLock();
  });
  navigator.serviceWorker?.addEventListener("controllerchange", showLock);
  onPress("forget", async () => {
    if (!confirm(say.confirmForget())) return;
    try {
      localStorage.clear();
      await deleteAll();
      for (const name of (await globalThis.caches?.keys()) ?? []) await caches.delete(name);
      const worker = await navigator.serviceWorker?.getRegistration();
      await worker?.unregister();
      location.replace(location.pathname);
    } catch (error) {
      onFault(error);
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
    },
  };
}
