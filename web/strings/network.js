// Texts about the network, storage, and frames of other pages.

import { gigabytes } from "../strings.js";

export const text = {
  framed: () =>
    "Darkroom does not run inside another page: there its buttons could be covered by others.",
  openAlone: () => "Open it on its own",

  failed: () => "failed",
  /** @param {number} count of requests while generating */
  own: (count) => (count ? `(${count} of them for the app’s own files, kept for use offline)` : ""),
  locked: () => "Offline lock on",
  lockRefuses: () => "The offline lock is on, so nothing is fetched from another site.",
  lockPlace: () => "Privacy: switch it off",

  confirmForget: (/** @type {string[]} */ models) =>
    "Delete all of this for good? The gallery, the queue, the form, styles, presets and " +
    "remembered prompts, settings and faults, start images, wildcard lists and grids, what was " +
    "measured of this device, the offline copy of this page" +
    (models.length
      ? `, and these models with their accepted licences and pinned hashes: ${models.join(", ")}.`
      : ", and the record of models (none is stored)."),
  parts: {
    settings: "settings, form, presets, remembered prompts and faults",
    pages: "gallery, queue and start images",
    batch: "wildcard lists and grids",
    kernels: "what was measured of this device",
    models: "models, accepted licences and pinned hashes",
    caches: "offline copy",
    worker: "service worker",
  },
  deleted: (/** @type {string[]} */ done, /** @type {string[]} */ failed) =>
    [
      done.length ? `Deleted: ${done.join("; ")}.` : "",
      failed.length
        ? `Not deleted: ${failed.join("; ")}. Close other tabs of this page and try again, or ` +
          `clear the data of this site in the browser’s settings.`
        : "",
    ]
      .filter(Boolean)
      .join(" "),

  noPins: () => "None is remembered.",
  pinsUnread: (/** @type {string} */ reason) =>
    `What is remembered cannot be read here (${reason}).`,
  pinsOf: (/** @type {string} */ model, /** @type {string} */ host) =>
    host ? `${model}, from ${host}` : model,
  pin: (/** @type {string} */ file, /** @type {string} */ date) =>
    `${file}, since ${date.slice(0, 10)}`,
  forgetPin: () => "Forget",
  pinForgotten: (/** @type {string} */ file) => `The hash of ${file} is forgotten.`,

  notStored: () =>
    "This browser does not let the page store anything (a private window?). Images are not " +
    "kept: download them.",
  full: (/** @type {number} */ used, /** @type {number} */ quota) =>
    `Storage is full${quota ? ` (${gigabytes(used)} of ${gigabytes(quota)})` : ""}. Images are ` +
    `not kept until you delete some, or a model: download them.`,

  unreachable: (
    /** @type {string} */ host,
    /** @type {number} */ attempt,
    /** @type {number} */ of,
  ) => `${host} cannot be reached. Trying again${of ? ` (${attempt} of ${of})` : ""}.`,
  again: (/** @type {number} */ attempt, /** @type {number} */ of) =>
    `Trying again (${attempt} of ${of}).`,
  stop: () => "Stop",
  details: () => "Details",
  downloading: (/** @type {number} */ share) => `Download: ${Math.floor(share * 100)} %`,
  asking: (/** @type {string} */ host) => `Asking ${host}`,
};
