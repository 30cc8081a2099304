// Offers a new version, with what it changes: which files, and their hashes before and after. The
// service worker has it whole beside the one that it serves, and serves it when it was accepted.

import { anyById, button, element, onPress, withText } from "../dom.js";
import { addStyle } from "../late_style.js";
import { text } from "../strings/proof.js";
import { hashAll, keptFiles, keptVersion, sumsIn } from "./files.js";
import { changes } from "./sums.js";

/** Milliseconds for a service worker to start and answer. */
const PATIENCE_MS = 10_000;

/** The version that is offered, by the name of its first cache. */
let offered = "";
let isBusy = async () => false;

/**
 * Shows the banner, if a newer version is there.
 * @param {() => Promise<boolean>} busy whether a task runs in this tab or in another
 */
export async function offerUpdate(busy) {
  const next = await keptVersion("next");
  const name = next?.[0]?.[0] ?? "";
  // The host may have taken it back.
  if (!next) anyById("update").hidden = true;
  if (!next || name === offered) return;
  if (!offered) connect();
  [offered, isBusy] = [name, busy];
  void addStyle("proof");
  const { shown, isWrong } = await describe(next).catch((/** @type {Error} */ error) => ({
    shown: [withText("summary", text.changesUnknown(error.message))],
    isWrong: false,
  }));
  // A later version may be offered in the meantime.
  if (name !== offered) return;
  button("update-now").disabled = isWrong;
  say(text.updateIsHere());
  document.getElementById("update-changes")?.remove();
  const banner = anyById("update");
  banner.append(element("details", { id: "update-changes" }, ...shown));
  banner.hidden = false;
}

/** @param {string} sentence for the banner */
function say(sentence) {
  const banner = anyById("update");
  (banner.querySelector("p") ?? banner).textContent = sentence;
}

/** The buttons of the banner. */
function connect() {
  onPress("update-later", () => (anyById("update").hidden = true));
  onPress("update-now", async () => {
    try {
      await use();
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  });
}

/** Uses the new version, unless something must end first. */
async function use() {
  if (await isBusy()) return say(text.updateWaits());
  const { others, done } = await accept(offered);
  if (others > 0) return say(text.updateOthers(others));
  if (done) return location.reload();
  await offerUpdate(isBusy);
  say(text.updateReplaced());
}

/**
 * Asks the service worker to serve a version from now on.
 * @param {string} name
 * @returns {Promise<{ others: number, done: boolean }>} how many other pages prevent it
 */
async function accept(name) {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => reject(new Error(text.noWorker())), PATIENCE_MS);
    active?.postMessage({ accept: name }, [port2]);
  });
}

/**
 * What a new version changes, and whether its bytes are as its list says.
 * @param {import("./files.js").Version} version
 */
async function describe(version) {
  const before = await keptVersion("accepted");
  const after = keptFiles(version);
  const old = before && (await sumsIn(keptFiles(before).read));
  const next = await sumsIn(after.read);
  if (!old || !next) throw new Error("there is no list of hashes");
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
