// How much memory a worker of a page holds: its JavaScript heap with all buffers that hang on it,
// and the memory of its wasm, sampled while it works.

/** How often, in milliseconds. */
const EVERY_MS = 100;

/** @typedef {{ idle: number, peak: number }} Range */
/** @typedef {{ heap: Range, wasm: Range }} Peaks */

/**
 * Begins to watch; the function that is returned ends it.
 * @param {import("playwright-core").Page} page
 * @param {string} glue the address of the wasm's JavaScript, as the worker has loaded it
 * @param {import("playwright-core").Worker} [worker] the page's first one without it
 * @returns {Promise<() => Promise<Peaks>>}
 */
export async function watchMemory(page, glue, worker = page.workers()[0]) {
  if (!worker) throw new Error("The page has no worker.");
  const heapOf = await heaps(page);
  const wasmOf = () =>
    worker.evaluate(async (glue) => {
      const module = await import(glue);
      // Already begun: this gives what is there.
      const { memory } = await module.default();
      return /** @type {WebAssembly.Memory} */ (memory).buffer.byteLength;
    }, glue);
  /** @type {Range} */
  const heap = { idle: Infinity, peak: 0 };
  /** @type {Range} */
  const wasm = { idle: Infinity, peak: 0 };
  const widen = (/** @type {Range} */ range, /** @type {number} */ bytes) => {
    if (range.idle === Infinity) range.idle = bytes;
    range.peak = Math.max(range.peak, bytes);
  };
  const sample = async () => {
    widen(wasm, await wasmOf());
    // The wasm's memory is no part of it.
    widen(heap, await heapOf());
  };
  await sample();
  let ended = false;
  const watching = (async () => {
    while (!ended) {
      await sample();
      await new Promise((go) => setTimeout(go, EVERY_MS));
    }
  })();
  return async () => {
    ended = true;
    await watching;
    return { heap, wasm };
  };
}

/**
 * Asks the page's workers for their heaps, by the browser's own protocol; the largest counts.
 * @param {import("playwright-core").Page} page
 */
async function heaps(page) {
  const session = await page.context().newCDPSession(page);
  /** @type {Set<string>} */
  const workers = new Set();
  /** @type {Map<number, (bytes: number) => void>} */
  const pending = new Map();
  let last = 0;
  session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    if (targetInfo.type === "worker") workers.add(sessionId);
  });
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message);
    pending.get(id)?.((result?.usedSize ?? 0) + (result?.backingStorageSize ?? 0));
    pending.delete(id);
  });
  const how = { autoAttach: true, waitForDebuggerOnStart: false, flatten: false };
  await session.send("Target.setAutoAttach", how);
  return async () => {
    const asked = [...workers].map((sessionId) => {
      const id = ++last;
      const answer = new Promise((/** @type {(bytes: number) => void} */ resolve) => {
        pending.set(id, resolve);
      });
      const message = JSON.stringify({ id, method: "Runtime.getHeapUsage" });
      session.send("Target.sendMessageToTarget", { sessionId, message }).catch(() => {});
      return answer;
    });
    return Math.max(0, ...(await Promise.all(asked)));
  };
}
