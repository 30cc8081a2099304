// Indicators in the header, visible in every view: the progress of a download, and that the offline
// lock is on. Each is a button to the place that it is about.

import { text } from "../strings/network.js";
import { showDownload } from "../tab/signal.js";
import { button } from "../dom.js";

/**
 * @param {import("../state/page.js").Page} state
 * @param {object} go
 * @param {() => void} go.toModels
 * @param {() => void} go.toPrivacy
 */
export function createIndicators(state, { toModels, toPrivacy }) {
  const [download, lock] = [button("download-mark"), button("lock-mark")];
  download.addEventListener("click", toModels);
  lock.addEventListener("click", toPrivacy);
  lock.textContent = text.locked();

  const showLock = () => (lock.hidden = !state.get().offlineLock);
  state.subscribe(["offlineLock"], showLock);
  showLock();

  return {
    /** @param {number | null} share of the bytes that are stored; null if no download runs */
    download(share) {
      download.hidden = share === null;
      if (share !== null) download.textContent = text.downloading(share);
      showDownload(share);
    },
  };
}
