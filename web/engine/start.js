// Starts a worker that obeys the page's own security policy on any host, and tells the addresses of
// the page's own scripts to a browser that checks them (Trusted Types).
//
// A worker that is started from an http address has only the policy of that answer's headers, and a
// static host may send none. One that is started from a blob: address inherits the page's policy,
// the <meta> one as well; all it does is to import the real script, after the guard and the list of
// its requests.

/** The only scripts that the page starts, by name. */
const WORKERS = {
  engine: new URL("./worker.js", import.meta.url).href,
  "model store": new URL("../store/worker.js", import.meta.url).href,
};
const FIRST = ["../guard.js", "./watched.js"].map((path) => new URL(path, import.meta.url).href);
const SERVICE_WORKER = new URL("../sw.js", import.meta.url).href;

/** @typedef {keyof typeof WORKERS} Name */
/** @typedef {(requests: import("./protocol.js").NetworkRequest[]) => void} Hear */

/** Names to addresses; nothing but these names is known. @param {string} name */
function addressOf(name) {
  if (name === "service worker") return SERVICE_WORKER;
  const script = Object.entries(WORKERS).find(([one]) => one === name)?.[1];
  if (!script) throw new TypeError(`No script of this page: ${name}`);
  const source = [...FIRST, script].map((path) => `import ${JSON.stringify(path)};`).join("\n");
  return URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/** @type {{ createScriptURL(name: string): any }} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("darkroom", {
  createScriptURL: addressOf,
}) ?? { createScriptURL: addressOf };

/** @type {Set<Hear>} */
const listeners = new Set();

/**
 * Hears of the requests of every worker that is started from now on.
 * @param {Hear} hear
 */
export function watchWorkers(hear) {
  listeners.add(hear);
}

/**
 * @param {Name} name
 * @param {{ workerUrl: string, wasmUrl: string }} [told] for the npm module, whose own start.js
 * takes addresses; the site starts no scripts but these
 * @returns {Worker}
 * @throws {TypeError} for an address
 */
export function startWorker(name, told) {
  if (told?.workerUrl || told?.wasmUrl)
    throw new TypeError("Only the npm module takes workerUrl and wasmUrl.");
  const address = policy.createScriptURL(name);
  const worker = new Worker(address, { type: "module", name });
  worker.addEventListener("message", ({ data }) => {
    if (!data?.news?.requests) return;
    const requests = data.news.requests.map((/** @type {object} */ one) => ({ ...one, by: name }));
    for (const hear of listeners) hear(requests);
  });
  // The address is resolved when the worker starts to load; long after that it is not needed.
  setTimeout(() => URL.revokeObjectURL(String(address)), 60_000);
  return worker;
}

/** The address of the service worker. @returns {string} */
export function serviceWorker() {
  return policy.createScriptURL("service worker");
}
