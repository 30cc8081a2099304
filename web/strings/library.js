// Texts of the library of models.

import { duration, gigabytes, megabytes, say } from "../strings.js";

/** @typedef {import("../store/protocol.js").StoredModel} StoredModel */

const day = (/** @type {string} */ date) => date.slice(0, 10);

export const library = {
  title: () => "Models in this browser",
  use: () => "Use",
  fetchIt: () => "Download",
  resume: () => "Resume",
  useOnce: () => "Use once, without saving the rest",
  verify: () => "Check files",
  exportIt: () => "Export",
  remove: () => "Delete",
  pause: () => "Pause download",
  importFiles: () => "Import files",
  importFolder: () => "Import a folder",
  mirror: () => "Mirror address (optional): a host that this copy of the app allows",
  facts: (/** @type {StoredModel} */ model) => {
    const { manifest, complete, verified } = model;
    const stored = gigabytes(model.bytes_stored);
    return [
      complete ? stored : `${stored} of ${gigabytes(model.bytes_total)}, incomplete`,
      manifest.precision ?? "",
      manifest.revision ? `revision ${manifest.revision}` : "",
      manifest.licence.name,
      verified ? `verified on ${day(verified)}` : "",
    ]
      .filter(Boolean)
      .join(" · ");
  },
  offered: (/** @type {import("../store/protocol.js").Manifest} */ manifest) => {
    const { files, licence, hosts, ...of } = manifest;
    const bytes = library.bytes(manifest);
    const unknown = files.filter((file) => !file.sha256 && !file.chunks).length;
    const first = unknown
      ? ` ${unknown} of its ${files.length} files have no published checksum. Theirs is saved at ` +
        `the first download, and every later one must equal it.`
      : "";
    return (
      `About ${gigabytes(bytes)}, ${of.precision ?? ""}, from ${hosts[0] ?? "this site"}, ` +
      `${licence.name}.${first}`
    );
  },
  /** The sum of the known sizes. */
  bytes: (/** @type {import("../store/protocol.js").Manifest} */ { files }) =>
    files.reduce((sum, file) => sum + (file.bytes ?? 0), 0),
  smaller: (/** @type {import("../store/protocol.js").Manifest[]} */ models) =>
    models.length
      ? `Smaller: ${models.map((one) => `${one.title}, ${one.precision ?? ""}`).join("; ")}.`
      : "",
  files: (/** @type {number} */ count) =>
    count === 1 ? "1 file and its SHA-256" : `${count} files and their SHA-256`,
  pinned: (/** @type {string} */ date) => `pinned on ${day(date)}`,
  unknownHash: () => "not known before the first download",
  usage: (/** @type {number} */ bytes, /** @type {boolean} */ persistent) =>
    `Storage used by this site: ${gigabytes(bytes)}, ` +
    (persistent
      ? "kept until you delete it."
      : "which the browser may clear when space is short or after weeks without a visit."),
  fetched: (/** @type {string} */ title) => `${title} is stored and verified.`,
  imported: (/** @type {string} */ title) => `${title} is imported.`,
  links: () =>
    "No model is among these files: the folder is empty, or made of links, as Hugging Face’s " +
    "cache is, and browsers follow none. Import a copy of it, made with: cp -rL FOLDER COPY",
  removed: (/** @type {string} */ title) => `${title} is deleted.`,
  paused: () => "Paused. What has been stored is kept.",
  verified: (/** @type {number} */ healed) =>
    healed
      ? `${healed} damaged parts were found and fetched again; everything is right now.`
      : "All files are intact.",
  /** @param {import("../store/protocol.js").Deletion} what would be deleted, and what stays */
  sure: ({ title, bytes, files, pins }) => {
    const all = files.length === 1 ? "1 file" : `${files.length} files`;
    const stay = pins.length
      ? `\n\nThe SHA-256 of ${pins.length === 1 ? "1 file" : `${pins.length} files`}, remembered ` +
        `from the first download, stays: Privacy lists it.`
      : "";
    return `Delete ${title} from this browser? That frees ${gigabytes(bytes)} (${all}).${stay}`;
  },
  /** @param {string[]} titles */
  lost: (titles) =>
    `The browser has lost the stored files of ${titles.join(", ")}: its storage was damaged or ` +
    `cleared. Download or import again what you still need. Nothing else is affected.`,
  lostRead: () => "Close",
  licence: (/** @type {string} */ name, /** @type {string} */ title) => `${name}, of ${title}`,
  mustAccept: () =>
    "This model has usage restrictions. Please read the licence; the download starts when you " +
    "accept.",
  accept: () => "I accept",
  refuse: () => "I do not accept",
  event: (/** @type {import("../store/protocol.js").StoreEvent} */ event) => {
    switch (event.event) {
      case "fetching": {
        const { bytes_done: done, bytes_total: total, seconds_left: left } = event;
        const speed = `${megabytes(event.bytes_per_second)} MB/s`;
        const rest = left === null ? "" : `, ${say.left(left)}`;
        return `${gigabytes(done)} of ${gigabytes(total)}, ${speed}${rest}`;
      }
      case "waiting":
        return `${event.sentence} Trying again in ${duration(event.seconds)}.`;
      case "verifying":
        return `Verifying: ${gigabytes(event.bytes_done)} of ${gigabytes(event.bytes_total)}`;
      case "healed":
        return `A damaged part of ${event.path} was fetched again.`;
      case "waiting_for_tab":
        return "Another tab is changing the models; this one waits and shows how far it is.";
      default:
        return event.text;
    }
  },
};
