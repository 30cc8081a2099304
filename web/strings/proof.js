// Texts about the files that the page is made of: hashes, and what an update changes.

const files = (/** @type {number} */ count) => (count === 1 ? "1 file" : `${count} files`);

export const text = {
  title: () => "The files of this page",
  about: () =>
    "Every file that this page is made of has a SHA-256 in the list of its release. The button " +
    "computes the hashes here, of the bytes that are in use, and compares them with that list.",
  check: () => "Compare all files",
  reading: (/** @type {number} */ of) => `Reading ${files(of)}…`,

  fromCache: () => "They are read from the copies that the service worker keeps and serves.",
  noWorkers: () =>
    "There is no service worker here (an http address, or a private window): nothing keeps the " +
    "page’s files between two visits. These are the files as the host sends them now.",
  notServed: () =>
    "No service worker serves this page yet (a first visit, or a reload with Shift). These are " +
    "the files as the host sends them now.",
  noList: () =>
    "There is no list of hashes (SHA256SUMS) with this page: it was not built as released.",
  unread: (/** @type {string} */ reason) => `The files cannot be compared here (${reason}).`,
  good: (/** @type {number} */ count) => `All ${files(count)} are as the list says.`,
  bad: (/** @type {string[]} */ paths, /** @type {number} */ of) =>
    `Not as the list says: ${paths.slice(0, 5).join(", ")}` +
    (paths.length > 5 ? ` and ${paths.length - 5} more` : "") +
    ` (${paths.length} of ${files(of)}).`,
  others: (/** @type {number} */ count) =>
    count
      ? `Not kept here: ${files(count)} of the list, such as examples for other pages; ` +
        `scripts/verify-site compares these on the host.`
      : "",

  tree: () => "Hash of the release (the SHA-256 of the list)",
  compareTree: () => "Compare it with the hash that the release page shows.",
  worker: () => "The service worker’s script, sw.js, as the host sends it now",
  workerSame: () => "It is as the list says.",
  workerOther: () =>
    "It is not the list’s: the host has a newer version, which is offered to you, or changed it.",
  workerUnread: () => "It cannot be read now (no network?).",

  table: () => "Files and their SHA-256",
  columns: () => ["File", "SHA-256", "Result"],
  verdicts: {
    same: "same",
    differs: "differs",
    unlisted: "not in the list",
    missing: "cannot be read",
  },
  wanted: (/** @type {string} */ hash) => `the list has ${hash}`,
  limits: () =>
    "This page computes and shows all this itself. A page that somebody changed could show " +
    "anything: who must be sure compares from outside, with scripts/verify-site or sha256sum. " +
    "The browser, its extensions and the first visit remain to be trusted.",

  updateIsHere: () => "A new version of Darkroom is here.",
  updateWaits: () => "An image is being made: the new version waits for its end.",
  updateOthers: (/** @type {number} */ count) =>
    `Darkroom is open in ${count === 1 ? "another tab" : `${count} other tabs`}. Close ` +
    `${count === 1 ? "it" : "them"} first: an open page would get files of two versions.`,
  updateReplaced: () =>
    "Another version has come in its place. Look at what it changes, then use it.",
  noWorker: () => "The service worker does not answer. Reload the page and try again.",
  changes: (/** @type {number} */ count) => `What changes: ${files(count)}`,
  changesUnknown: (/** @type {string} */ reason) => `What changes cannot be shown (${reason}).`,
  treeOf: () => "the whole release",
  added: () => "new",
  removed: () => "removed",
  newGood: (/** @type {number} */ count) =>
    `The new version is kept in this browser already. The bytes of ${files(count)} that change ` +
    `are as its list says. Until you use it, the version before is served.`,
  newBad: (/** @type {string[]} */ paths) =>
    `The new version is not as its own list says: ${paths.join(", ")}. Do not use it.`,
};
