// The view "Privacy": all network requests, the page's security policy, the offline lock, stored
// data, and a button that deletes everything.

import { say } from "../strings.js";
import { text } from "../strings/network.js";
import { watchRequests } from "../engine/requests.js";
import { watchWorkers } from "../engine/start.js";
import { Store } from "../store/client.js";
import { anyById, byId, element, onPress, withText } from "../dom.js";
import { createPins } from "./pins.js";

/** @typedef {import("../engine/protocol.js").NetworkRequest} NetworkRequest */

/** The most rows of the table; further requests are only counted. */
const ROWS_MAX = 1000;

/** The key of the message for the reloaded page, after everything was deleted. */
const MESSAGE = "darkroom.deleted";

/** That message, if there is one; it is deleted. */
export function takeMessage() {
  try {
    const message = sessionStorage.getItem(MESSAGE);
    sessionStorage.removeItem(MESSAGE);
    return message;
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
  onPress("forget", () => void forget(session));

  return {
    enter() {
      void showStorage();
      showLock();
      requests.show();
      void pins.enter();
      void import("../proof/view.js").then(
        ({ showProof }) => showProof(),
        () => null,
      );
    },
  };
}

/** The table of requests, and the counts below it. */
function createRequests() {
  let [count, foreign, broken] = [0, 0, 0];
  /** For each request: its time, and whether the service worker fetched a file of this app. */
  const made = /** @type {{ time: number, own: boolean }[]} */ ([]);
  /** @type {{ start: number, end: number }[]} */
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
      runs.some(({ start, end }) => time >= start && time <= end),
    );
    anyById("requests-all").textContent = String(count);
    anyById("requests-generating").textContent = String(during.length);
    // On a first visit the service worker may cache files while the first image is made.
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
    /** A run begins. */
    begin: () => void runs.push({ start: Date.now(), end: Infinity }),

    /** The run has ended. */
    end() {
      for (const run of runs) run.end = Math.min(run.end, Date.now());
      show();
    },
  };
}

/**
 * Connects the offline lock; returns a function that updates it.
 * @param {import("../state/page.js").Page} state
 */
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

/** Lists the rules of the page's Content-Security-Policy. */
function showPolicy() {
  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]');
  const rules = (policy?.getAttribute("content") ?? "").split(";").map((rule) => rule.trim());
  anyById("policy").append(...rules.filter(Boolean).map((rule) => withText("li", rule)));
}

async function showStorage() {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  anyById("storage").textContent = say.storage(usage, quota);
}

/**
 * Asks the user, deletes all stored data, and reloads the page, which shows the message.
 * @param {import("../session/session.js").Session} session
 */
async function forget(session) {
  const stored = await modelTitles();
  if (!confirm(text.confirmForget(stored))) return;
  const { forgetAll } = await import("../page/forget.js");
  // What runs would store its image afterwards.
  session.cancel();
  session.engine.dispose();
  const message = await forgetAll();
  anyById("forgotten").textContent = message;
  try {
    sessionStorage.setItem(MESSAGE, message);
    location.replace(location.pathname);
  } catch {
    // Storage is blocked: the message is already shown above.
  }
}

/** Titles of the stored models; empty if they cannot be listed within ten seconds. */
async function modelTitles() {
  const soon = new Promise((/** @type {(none: never[]) => void} */ done) =>
    setTimeout(() => done([]), 10_000),
  );
  const models = await Promise.race([new Store().list().catch(() => []), soon]);
  return models.map(({ manifest }) => manifest.title);
}
