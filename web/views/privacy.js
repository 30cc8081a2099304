// What the page does with the network and the disk: every request, the browser's rules, the
// offline lock, and a way to forget everything.

import { say } from "../strings.js";
import { text } from "../strings/network.js";
import { watchRequests } from "../engine/requests.js";
import { watchWorkers } from "../engine/start.js";
import { forgetAll } from "../page/forget.js";
import { Store } from "../store/client.js";
import { anyById, byId, element, onPress, withText } from "../dom.js";
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

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 */
export function createPrivacy(state, session) {
  const requests = createRequests();
  /** @type {Store | null} */
  let store = null;
  const pins = createPins(() => (store ??= new Store()));
  const showLock = watchLock(state);
  showPolicy();
  session.on("run", requests.begin);
  session.on("runEnd", requests.end);
  onPress("forget", () => void forget());

  return {
    enter() {
      void showStorage();
      showLock();
      requests.show();
      void pins.enter();
    },
  };
}

/** Every request of the page and of its workers, and those that were made while generating. */
function createRequests() {
  let [count, foreign, broken] = [0, 0, 0];
  /** Of each request: when it was made, and whether for a file of this app, to be kept. */
  const made = /** @type {{ time: number, own: boolean }[]} */ ([]);
  /** @type {{ begun: number, ended: number }[]} */
  const runs = [];

  /** @param {NetworkRequest[]} requests */
  function hear(requests) {
    for (const { url, time, bytes, by, failed } of requests) {
      count += 1;
      const isHere = new URL(url).origin === location.origin;
      made.push({ time, own: isHere && by === "service worker" });
      if (!isHere) foreign += 1;
      const received = failed ? text.failed() : bytes || "–";
      const cells = [new Date(time).toLocaleTimeString(), url, by, received];
      const row = element("tr", {}, ...cells.map((cell) => withText("td", String(cell))));
      if (count <= ROWS_MAX) anyById("requests").append(row);
    }
    show();
  }

  function show() {
    const during = made.filter(({ time }) =>
      runs.some(({ begun, ended }) => time >= begun && time <= ended),
    );
    anyById("requests-all").textContent = String(count);
    anyById("requests-generating").textContent = String(during.length);
    // On a first visit they may come while the first picture is made.
    anyById("requests-own").textContent = text.own(during.filter(({ own }) => own).length);
    anyById("requests-foreign").textContent = String(foreign);
    anyById("violations").textContent = String(broken);
  }

  watchRequests(hear);
  watchWorkers(hear);
  const { serviceWorker } = navigator;
  serviceWorker?.addEventListener("message", ({ data }) => data?.requests && hear(data.requests));
  serviceWorker?.startMessages();
  document.addEventListener("securitypolicyviolation", () => {
    broken += 1;
    show();
  });

  return {
    show,
    /** Pictures begin to be made. */
    begin: () => void runs.push({ begun: Date.now(), ended: Infinity }),

    /** They have ended. */
    end() {
      for (const run of runs) run.ended = Math.min(run.ended, Date.now());
      show();
    },
  };
}

/** The offline lock; returns how to show it anew. @param {import("../state/page.js").Page} state */
function watchLock(state) {
  const lock = byId("offline-lock", HTMLInputElement);

  function show() {
    const { controller } = navigator.serviceWorker ?? {};
    lock.disabled = !controller;
    lock.checked = state.get().offlineLock;
    anyById("offline-hint").textContent = controller ? "" : say.noServiceWorker();
    controller?.postMessage({ offlineLock: lock.checked });
  }

  lock.addEventListener("change", () => state.set({ offlineLock: lock.checked }));
  state.subscribe(["offlineLock"], show);
  navigator.serviceWorker?.addEventListener("controllerchange", show);
  show();
  return show;
}

/** The browser's rules for this page, in its own words. */
function showPolicy() {
  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]');
  const rules = (policy?.getAttribute("content") ?? "").split(";").map((rule) => rule.trim());
  anyById("policy").append(...rules.filter(Boolean).map((rule) => withText("li", rule)));
}

async function showStorage() {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  anyById("storage").textContent = say.storage(usage, quota);
}

/** Deletes all that is kept, when the user is sure; the page itself begins anew, and says it. */
async function forget() {
  const stored = await modelTitles();
  if (!confirm(text.confirmForget(stored))) return;
  const told = await forgetAll();
  anyById("forgotten").textContent = told;
  try {
    sessionStorage.setItem(TOLD, told);
    location.replace(location.pathname);
  } catch {
    // It is said above already.
  }
}

/** Titles of the models that are stored; none where they cannot be listed. */
async function modelTitles() {
  const soon = new Promise((/** @type {(none: never[]) => void} */ done) =>
    setTimeout(() => done([]), 10_000),
  );
  const models = await Promise.race([new Store().list().catch(() => []), soon]);
  return models.map(({ manifest }) => manifest.title);
}
