// What a tab in the background shows: progress in its title and icon, and a notification at the
// end of the queue, if the user has chosen that.

import { byId } from "../dom.js";

const TITLE = document.title;
const SIDE = 64;

const icon = byId("favicon", HTMLLinkElement);
/** The image of the icon, from the page's header: the icon's own URL would be fetched again. */
const plainIcon = byId("logo", HTMLImageElement);
const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
let shown = -1;
/** The page's title without progress. */
let title = TITLE;

/** Puts the view into the title. @param {string} view its label; empty for the first view */
export function nameView(view) {
  title = view ? `${view} · ${TITLE}` : TITLE;
  showTitle();
}

/** Percent of a model's download; −1 if none runs. */
let fetched = -1;

function showTitle() {
  const parts = [shown < 0 ? "" : `${shown} %`, fetched < 0 ? "" : `↓ ${fetched} %`, title];
  document.title = parts.filter(Boolean).join(" · ");
}

/** @param {number | null} fraction of a model's bytes; null if no download runs */
export function showDownload(fraction) {
  fetched = fraction === null ? -1 : Math.floor(fraction * 100);
  showTitle();
}

/** @param {number | null} fraction of the run that is done; null if none runs */
export function showProgress(fraction) {
  const percent = fraction === null ? -1 : Math.floor(fraction * 100);
  if (percent === shown) return;
  shown = percent;
  showTitle();
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, SIDE, SIDE);
  if (percent < 0) context.drawImage(plainIcon, 0, 0, SIDE, SIDE);
  else drawRing(context, percent / 100);
  icon.type = "image/png";
  icon.href = canvas.toDataURL();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} fraction
 */
function drawRing(context, fraction) {
  const middle = SIDE / 2;
  context.lineWidth = 12;
  for (const [colour, end] of /** @type {const} */ ([
    ["#4a2a20", 1],
    ["#e0492f", fraction],
  ])) {
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(middle, middle, middle - 8, -Math.PI / 2, (end * 2 - 0.5) * Math.PI);
    context.stroke();
  }
}

/** Asks the user for permission to show notifications; resolves to whether it was given. */
export async function mayNotify() {
  if (!("Notification" in globalThis)) return false;
  return (await Notification.requestPermission()) === "granted";
}

/**
 * Shows a notification, unless the page is visible.
 * @param {string} text
 */
export async function notify(text) {
  if (document.visibilityState === "visible") return;
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker) await worker.showNotification(TITLE, { body: text, icon: "icons/icon-192.png" });
  else new Notification(TITLE, { body: text });
}
