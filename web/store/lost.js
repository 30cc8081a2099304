// Models that the browser has lost, whichever part of the page hears of it first: the store tells
// it once, and the library says it until it is put away.

import { remember, remembered } from "../storage/settings.js";

const NAME = "lost-models";

/** What this tab has heard, where the browser keeps nothing. @type {string[]} */
let heard = [];
/** @type {() => void} */
let listen = () => {};

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
  listen();
}

/** The user has read it. */
export function putAwayLost() {
  heard = [];
  remember(NAME, null);
  listen();
}

/** @param {() => void} hear that there are others now */
export function onLostModels(hear) {
  listen = hear;
}
