// The progress of a model's download: a bar in its row, and a line while a host does not answer. A
// screen reader announces each tenth of the bytes, not each chunk.

import { gigabytes, megabytes, say } from "../strings.js";
import { library } from "../strings/library.js";
import { text } from "../strings/network.js";
import { element, withText } from "../dom.js";

/** @typedef {import("../store/protocol.js").StoreEvent} StoreEvent */
/** @typedef {import("../store/protocol.js").StoredModel} StoredModel */

/** Milliseconds before the time left is shown: the first chunks are too few to estimate it. */
const GUESS_AFTER_MS = 10_000;
/** How often the store repeats the request of a chunk. */
const RETRIES = 7;

/**
 * @param {(share: number | null) => void} onShare gets the share of stored bytes; null at the end
 * @param {() => void} onStop
 */
export function createDownload(onShare, onStop) {
  const bar = element("progress", { max: 1 });
  const line = element("p", { className: "download-text" });
  const spoken = element("p", { className: "unseen" });
  const trouble = element("p", { className: "download-trouble", hidden: true });
  const lines = element("pre", {});
  const details = element("details", { hidden: true }, withText("summary", text.details()), lines);
  const stop = element("button", { type: "button" }, text.stop());
  const box = element("div", { className: "download" }, bar, line, trouble, stop, details, spoken);
  spoken.setAttribute("role", "status");
  stop.addEventListener("click", onStop);
  let id = "";
  let host = "";
  let startTime = 0;
  let tenth = -1;
  /** Failed attempts since the last byte, by file. @type {Map<string, number>} */
  const tries = new Map();

  /** @param {Extract<StoreEvent, { event: "fetching" }>} event */
  function fetching({ bytes_done: done, bytes_total: total, bytes_per_second: speed, ...event }) {
    const share = total ? Math.min(1, done / total) : 0;
    bar.value = share;
    const guess = event.seconds_left !== null && Date.now() - startTime >= GUESS_AFTER_MS;
    const left = guess ? `, ${say.left(event.seconds_left ?? 0)}` : "";
    line.textContent = `${gigabytes(done)} of ${gigabytes(total)}, ${megabytes(speed)} MB/s${left}`;
    trouble.hidden = details.hidden = true;
    tries.clear();
    lines.textContent = "";
    onShare(share);
    if (Math.floor(share * 10) === tenth) return;
    tenth = Math.floor(share * 10);
    spoken.textContent = text.downloading(tenth / 10);
  }

  /** @param {Extract<StoreEvent, { event: "waiting" }>} event */
  function waiting({ sentence, seconds }) {
    const [, file = "", fault = sentence] = /^(\S[^:]*): (.*)$/.exec(sentence) ?? [];
    tries.set(file, (tries.get(file) ?? 0) + 1);
    const attempt = Math.min(RETRIES, Math.max(...tries.values()));
    const sentenceNow = /cannot be reached/.test(fault)
      ? text.unreachable(host, attempt, RETRIES)
      : `${fault} ${text.again(attempt, RETRIES)}`;
    if (trouble.textContent !== sentenceNow) spoken.textContent = trouble.textContent = sentenceNow;
    trouble.hidden = details.hidden = false;
    lines.append(`${library.event({ event: "waiting", sentence, seconds })}\n`);
  }

  return {
    /** Puts the bar into the row of its model. @param {string} model @param {HTMLElement} row */
    place(model, row) {
      if (model === id) row.append(box);
    },

    /**
     * @param {StoredModel} model
     * @param {string} mirror
     */
    begin({ manifest, address, bytes_stored: stored, bytes_total: total }, mirror) {
      ({ id } = manifest);
      host = hostOf(mirror || manifest.base || address);
      startTime = Date.now();
      tenth = -1;
      const share = total ? stored / total : 0;
      bar.value = share;
      bar.setAttribute("aria-label", `${library.fetchIt()}: ${manifest.title}`);
      line.textContent = text.asking(host);
      trouble.hidden = details.hidden = true;
      lines.textContent = spoken.textContent = "";
      onShare(share);
    },

    /** Shows an event; returns whether it was one of a download. @param {StoreEvent} event */
    hear(event) {
      if (event.event === "fetching") fetching(event);
      else if (event.event === "waiting") waiting(event);
      return event.event === "fetching" || event.event === "waiting";
    },

    end() {
      id = "";
      box.remove();
      onShare(null);
    },

    /** The id of the model that is being fetched; empty if none is. */
    model: () => id,
  };
}

/** @param {string} address */
function hostOf(address) {
  return URL.canParse(address, document.baseURI)
    ? new URL(address, document.baseURI).host
    : address;
}

/**
 * A field for the address of a mirror.
 * @param {HTMLInputElement} input
 */
export function mirrorField(input) {
  const label = element("label", { htmlFor: input.id }, library.mirror());
  return element("div", { className: "field" }, label, input);
}
