// Marks in the header, seen in every view: how far a download is, and that the offline lock is on.

import { text } from "../strings/network.js";
import { showDownload } from "../tab/signal.js";
import { button } from "../dom.js";

/**
 * @param {import("../state/page.js").Page} state
 * @param {object} go
 * @param {() => void} go.toModels
 * @param {() => void} go.toPrivacy
 */
export function createMarks(state, { toModels, toPrivacy }) {
  const [download, lock] = [button("download-mark"), button("lock-mark")];
  download.addEventListener("click", toModels);
  lock.addEventListener("click", toPrivacy);
  lock.textContent = text.locked();

  const showLock = () => (lock.hidden = !state.get().offlineLock);
  state.subscribe(["offlineLock"], showLock);
  showLock();

  return {
    /** @param {number | null} share of the bytes that are there; null when nothing is fetched */
    download(share) {
      download.hidden = share === null;
      if (share !== null) download.textContent = text.downloading(share);
      showDownload(share);
    },
  };
}
