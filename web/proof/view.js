// The part "The files of this page" of the view Privacy: the SHA-256 of each file that is served,
// computed here, beside the list of the release.

import { anyById, element, withText } from "../dom.js";
import { addStyle } from "../late_style.js";
import { text } from "../strings/proof.js";
import { hashAll, keptFiles, keptVersion, readFromHost, sumsIn } from "./files.js";
import { SUMS, judge } from "./sums.js";

const WORKER = "sw.js";

/** Adds it to the view, once. */
export function showProof() {
  if (document.getElementById("proof")) return;
  void addStyle("proof");
  const button = element("button", { type: "button" }, text.check());
  const status = element("p", { role: "status" });
  const result = element("div", {});
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.replaceChildren();
    try {
      await compare(status, result);
    } catch (error) {
      status.textContent = text.unread(/** @type {Error} */ (error).message);
    } finally {
      button.disabled = false;
      if (document.activeElement === document.body) button.focus();
    }
  });
  anyById("pins-box").before(
    element(
      "details",
      { id: "proof" },
      withText("summary", text.title()),
      element("p", { className: "hint" }, text.about()),
      element("div", { className: "actions" }, button),
      status,
      result,
      element("p", { className: "hint" }, text.limits()),
    ),
  );
}

/**
 * Hashes all files and shows them.
 * @param {HTMLElement} status
 * @param {HTMLElement} result
 */
async function compare(status, result) {
  const { controller } = navigator.serviceWorker ?? {};
  const version = controller ? await keptVersion("accepted") : null;
  const kept = version && keptFiles(version);
  const read = kept?.read ?? readFromHost;
  const list = kept && !kept.paths.length ? null : await sumsIn(read);
  if (!list) {
    status.textContent = text.noList();
    return;
  }
  const { sums, tree } = list;
  // The list is told by its own hash, and the script of the service worker apart.
  const paths = (kept?.paths ?? [...sums.keys()]).filter((path) => path !== SUMS);
  status.textContent = text.reading(paths.length);
  const bar = element("progress", { max: paths.length, ariaLabel: text.check() });
  status.after(bar);
  const found = await hashAll({ paths, read }, (done) => (bar.value = done)).finally(() =>
    bar.remove(),
  );
  const rows = judge(sums, found);
  const wrong = rows.filter(({ verdict }) => verdict !== "same").map(({ path }) => path);
  status.textContent = wrong.length ? text.bad(wrong, rows.length) : text.good(rows.length);
  status.classList.toggle("wrong", wrong.length > 0);
  const where = kept
    ? text.fromCache()
    : navigator.serviceWorker
      ? text.notServed()
      : text.noWorkers();
  const others = kept ? [...sums.keys()].filter((path) => !found.has(path) && path !== WORKER) : [];
  result.append(
    withText("p", `${where} ${text.others(others.length)}`.trim()),
    fact(text.tree(), tree, text.compareTree()),
    ...(kept ? [await workerFact(sums)] : []),
    table(rows),
  );
}

/**
 * A hash with what it is of, and a sentence about it.
 * @param {string} name
 * @param {string} hash
 * @param {string} sentence
 */
const fact = (name, hash, sentence) =>
  element("p", {}, `${name}: `, withText("code", hash), hash && " ", sentence);

/**
 * A page cannot read the script of the service worker that runs, only what the host has.
 * @param {import("./sums.js").Sums} sums
 */
async function workerFact(sums) {
  const [hash = null] = (await hashAll({ paths: [WORKER], read: readFromHost })).values();
  if (!hash) return fact(text.worker(), "", text.workerUnread());
  const isSame = hash === sums.get(WORKER);
  return fact(text.worker(), hash, isSame ? text.workerSame() : text.workerOther());
}

/** @param {import("./sums.js").Row[]} rows */
function table(rows) {
  const head = text.columns().map((title) => {
    const cell = withText("th", title);
    cell.setAttribute("scope", "col");
    return cell;
  });
  const body = rows.map(({ path, wanted, found, verdict }) => {
    const isGood = verdict === "same";
    const told = [text.verdicts[verdict], isGood || !wanted ? "" : text.wanted(wanted)];
    const cells = [
      withText("td", path),
      element("td", {}, withText("code", found ?? "–")),
      withText("td", told.filter(Boolean).join("; ")),
    ];
    return element("tr", { className: isGood ? "" : "wrong" }, ...cells);
  });
  const box = element(
    "div",
    { className: "scroll", tabIndex: 0, role: "group", ariaLabel: text.table() },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body),
    ),
  );
  return box;
}
