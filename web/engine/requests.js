// Every request to the network, as the browser itself lists them (PerformanceObserver); and failed
// requests, which some browsers do not list. The page and each worker report their own requests.

/** Milliseconds in which a browser lists a failed request, if it lists it at all. */
const LISTED_MS = 2000;

/** @typedef {import("./protocol.js").NetworkRequest} NetworkRequest */

/**
 * Calls `hear` with requests, also with those that were made before.
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
        // blob: and data: addresses are not requests to the network.
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
    const response = ask(input, init);
    // A worker of a page with an opaque origin has no base URL.
    const base = location.origin === "null" ? undefined : location.origin;
    const url = new URL(input instanceof Request ? input.url : input, base).href;
    const request = { url, time: Date.now(), bytes: 0, by, failed: true };
    response.catch(() => {
      failed.push(request);
      setTimeout(() => {
        const at = failed.indexOf(request);
        if (at < 0) return;
        failed.splice(at, 1);
        hear([request]);
      }, LISTED_MS);
    });
    return response;
  };
}
