// Every request to the network, as the browser itself counts them; and those of which it counts
// nothing, because they failed. The page and each worker have a list of their own.

/** Milliseconds in which the browser lists a request that has failed, if it does. */
const LISTED_MS = 2000;

/** @typedef {import("./protocol.js").NetworkRequest} NetworkRequest */

/**
 * Hears of requests, also of those before now.
 * @param {(requests: NetworkRequest[]) => void} hear
 */
export function watchRequests(hear) {
  const by = "document" in globalThis ? "page" : "worker";
  /** Requests that failed and are not listed yet. @type {NetworkRequest[]} */
  const failed = [];
  new PerformanceObserver((list) => {
    const entries = /** @type {PerformanceResourceTiming[]} */ (list.getEntries());
    hear(
      entries
        // What is made in memory is no request.
        .filter(({ name }) => /^(https?|wss?):/.test(name))
        .map(({ name, startTime, transferSize }) => {
          const at = failed.findIndex(({ url }) => url === name);
          const [known] = at < 0 ? [] : failed.splice(at, 1);
          const time = performance.timeOrigin + startTime;
          return { url: name, time, bytes: transferSize, by, ...(known ? { failed: true } : {}) };
        }),
    );
  }).observe({ type: "resource", buffered: true });

  const ask = globalThis.fetch;
  /** @type {typeof fetch} */
  globalThis.fetch = (input, init) => {
    const answer = ask(input, init);
    // A worker of a page of no site has no base.
    const base = location.origin === "null" ? undefined : location.origin;
    const url = new URL(input instanceof Request ? input.url : input, base).href;
    const request = { url, time: Date.now(), bytes: 0, by, failed: true };
    answer.catch(() => {
      failed.push(request);
      setTimeout(() => {
        const at = failed.indexOf(request);
        if (at < 0) return;
        failed.splice(at, 1);
        hear([request]);
      }, LISTED_MS);
    });
    return answer;
  };
}
