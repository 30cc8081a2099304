// Every request to the network, as the browser itself counts them. The page and the worker have a
// list each.

/**
 * Hears of requests, also of those before now.
 * @param {(requests: import("./protocol.js").NetworkRequest[]) => void} hear
 */
export function watchRequests(hear) {
  const by = "document" in globalThis ? "page" : "worker";
  new PerformanceObserver((list) => {
    const entries = /** @type {PerformanceResourceTiming[]} */ (list.getEntries());
    hear(
      entries
        // What is made in memory is no request.
        .filter(({ name }) => /^(https?|wss?):/.test(name))
        .map(({ name, startTime, transferSize }) => ({
          url: name,
          time: performance.timeOrigin + startTime,
          bytes: transferSize,
          by,
        })),
    );
  }).observe({ type: "resource", buffered: true });
}
