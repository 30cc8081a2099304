// Models that the browser has lost, whichever part of the page hears of it first: the store tells
// it once, and the library says it until it is put away.

import { remember, remembered } from "../storage/settings.js";
import { DATABASE } from "./protocol.js";

const NAME = "lost-models";

/** Where the store keeps the titles of its models, apart from its database. */
const TITLES = "darkroom-shelf";

/** What this tab has heard, where the browser keeps nothing. @type {string[]} */
let heard = [];
/** @type {Set<() => void>} */
const listeners = new Set();
const tellAll = () => listeners.forEach((hear) => hear());

/** Titles of models that were lost and are not put away. @returns {string[]} */
export function lostModels() {
  try {
    const kept = JSON.parse(remembered(NAME) ?? "[]");
    const titles = Array.isArray(kept) ? kept.filter((title) => typeof title === "string") : [];
    return [...new Set([...titles, ...heard])];
  } catch {
    return heard;
  }
}

/** @param {string[]} titles */
export function keepLost(titles) {
  heard = [...new Set([...lostModels(), ...titles])];
  remember(NAME, JSON.stringify(heard));
  tellAll();
}

/** The user has read it. */
export function putAwayLost() {
  heard = [];
  remember(NAME, null);
  tellAll();
}

/** @param {() => void} hear that there are others now */
export function onLostModels(hear) {
  listeners.add(hear);
}

/**
 * At the page's start: where models were stored and their database is gone, the store is opened,
 * which tells what was lost. Where all is well, no worker is started for it.
 * @param {() => Promise<unknown>} openStore
 */
export async function lookForLost(openStore) {
  const { caches, indexedDB } = globalThis;
  if (!caches || !indexedDB?.databases || !(await caches.has(TITLES))) return;
  const databases = await indexedDB.databases();
  if (!databases.some(({ name }) => name === DATABASE)) await openStore();
}
