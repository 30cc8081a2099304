// Models that the browser has lost. The store reports a loss only once, to the part of the page
// that opens it first; so the titles are stored here, and the library shows them until the user
// dismisses the message.

import { remember, remembered } from "../storage/settings.js";
import { noteEmbeddings } from "./addons.js";
import { DATABASE } from "./protocol.js";

const NAME = "lost-models";

/** Where the store keeps the titles of its models, apart from its database. */
const TITLES = "darkroom-shelf";

/** Titles that were reported to this tab; used if storage is blocked. @type {string[]} */
let reported = [];
/** @type {Set<() => void>} */
const listeners = new Set();
const callListeners = () => listeners.forEach((hear) => hear());

/** Titles of lost models that the user has not dismissed. @returns {string[]} */
export function lostModels() {
  try {
    const kept = JSON.parse(remembered(NAME) ?? "[]");
    const titles = Array.isArray(kept) ? kept.filter((title) => typeof title === "string") : [];
    return [...new Set([...titles, ...reported])];
  } catch {
    return reported;
  }
}

/** Stores titles of lost models. @param {string[]} titles */
export function keepLost(titles) {
  reported = [...new Set([...lostModels(), ...titles])];
  remember(NAME, JSON.stringify(reported));
  // What was stored beside models is gone as well.
  noteEmbeddings([]);
  callListeners();
}

/** The user has closed the message. */
export function dismissLost() {
  reported = [];
  remember(NAME, null);
  callListeners();
}

/** Calls `hear` when the list has changed. @param {() => void} hear */
export function onLostModels(hear) {
  listeners.add(hear);
}

/**
 * When the page opens: if models were stored and their database is gone, opens the store, which
 * reports the loss. Otherwise no worker is started.
 * @param {() => Promise<unknown>} openStore
 */
export async function lookForLost(openStore) {
  const { caches, indexedDB } = globalThis;
  if (!caches || !indexedDB?.databases || !(await caches.has(TITLES))) return;
  const databases = await indexedDB.databases();
  if (!databases.some(({ name }) => name === DATABASE)) await openStore();
}
