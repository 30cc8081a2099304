// Offers a new version, with what it changes: which files, and their hashes before and after.

import { anyById, button, element, onPress, withText } from "../dom.js";
import { text } from "../strings/proof.js";
import { askWorker, hashAll, keptFiles, sumsIn } from "./files.js";
import { withStyle } from "./style.js";
import { changes } from "./sums.js";

/** The service worker of the version that is offered. @type {ServiceWorker | null} */
let offered = null;
let accepted = false;
let isBusy = async () => false;

/**
 * Shows the banner.
 * @param {ServiceWorker} worker of the new version
 * @param {() => Promise<boolean>} busy whether a task runs in this tab or in another
 */
export async function offerUpdate(worker, busy) {
  if (!offered) connect();
  [offered, isBusy] = [worker, busy];
  withStyle();
  const { shown, isWrong } = await describe(worker).catch((/** @type {Error} */ error) => ({
    shown: [withText("summary", text.changesUnknown(error.message))],
    isWrong: false,
  }));
  // A later version may be offered in the meantime.
  if (worker !== offered) return;
  button("update-now").disabled = isWrong;
  document.getElementById("update-changes")?.remove();
  const banner = anyById("update");
  banner.append(element("details", { id: "update-changes" }, ...shown));
  banner.hidden = false;
}

/** The buttons of the banner, and the reload once the new version is served. */
function connect() {
  const banner = anyById("update");
  const workers = navigator.serviceWorker;
  onPress("update-later", () => (banner.hidden = true));
  onPress("update-now", async () => {
    if (await isBusy()) {
      (banner.querySelector("p") ?? banner).textContent = text.updateWaits();
      return;
    }
    accepted = true;
    offered?.postMessage("use");
  });
  workers.addEventListener("controllerchange", () => {
    // Only the tab in which the user clicked is reloaded: others may have unsaved work.
    if (accepted) location.reload();
  });
}

/**
 * What the new version changes, and whether its bytes are as its list says.
 * @param {ServiceWorker} worker
 */
async function describe(worker) {
  const { controller } = navigator.serviceWorker;
  const told = await Promise.all([controller, worker].map((one) => one && askWorker(one)));
  const [before, after] = told.map((one) => one && keptFiles(one.scope, one.files));
  const [old, next] = await Promise.all(
    [before, after].map((files) => files && sumsIn(files.read)),
  );
  if (!after || !old || !next) throw new Error("there is no list of hashes");
  const found = changes(old.sums, next.sums);
  const kept = new Set(after.paths);
  const paths = found
    .map(({ path }) => path)
    .filter((path) => kept.has(path) && next.sums.has(path));
  const hashes = await hashAll({ paths, read: after.read });
  const wrong = paths.filter((path) => hashes.get(path) !== next.sums.get(path));
  const rows = [{ path: text.treeOf(), old: old.tree, new: next.tree }, ...found];
  const shown = [
    withText("summary", text.changes(found.length)),
    withText("p", wrong.length ? text.newBad(wrong) : text.newGood(paths.length)),
    element("ul", {}, ...rows.map(item)),
  ];
  return { shown, isWrong: wrong.length > 0 };
}

/** @param {{ path: string, old: string | null, new: string | null }} row */
const item = ({ path, old, new: next }) =>
  element(
    "li",
    {},
    `${path}: `,
    old ? withText("code", old) : text.added(),
    " → ",
    next ? withText("code", next) : text.removed(),
  );
