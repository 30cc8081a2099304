// Starts the page's workers under the page's own Content-Security-Policy, on any host. It also has
// the Trusted Types policy that allows the page's own scripts and no others.
//
// A worker that is started from an http address has only the policy in the headers of its script,
// and a static host may send none. A worker that is started from a blob: address inherits the
// page's policy, that of <meta> too. The blob only imports scripts: guard.js, watched.js, and then
// the worker's own.

/** The only workers that the page starts, by name. */
const WORKERS = { engine: "./worker.js", "model store": "../store/worker.js" };

const absolute = (/** @type {string} */ path) => new URL(path, import.meta.url).href;

/**
 * Firefox asks the service worker only for those imports of a blob: script that are made as it
 * runs; others fail without a network. What the page sends meanwhile is given to the worker's own
 * script.
 */
const GIVE =
  "onmessage=null;for(const{data}of all)dispatchEvent(new MessageEvent('message',{data}))";

/** @typedef {keyof typeof WORKERS} Name */
/** @typedef {(requests: import("./protocol.js").NetworkRequest[]) => void} Hear */

/** The address of a script by name; any other name is an error. @param {string} name */
function addressOf(name) {
  if (name === "service worker") return absolute("../sw.js");
  const script = Object.entries(WORKERS).find(([one]) => one === name)?.[1];
  if (!script) throw new TypeError(`No script of this page: ${name}`);
  const each = "mozInnerScreenX" in globalThis ? 'await import("$&");' : 'import "$&";';
  const imports = ["../guard.js", "./watched.js", script].map((path) =>
    absolute(path).replace(/.+/, each),
  );
  const source = `let all=[];onmessage=(one)=>all.push(one);${imports.join("")}${GIVE}`;
  return URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/** @type {{ createScriptURL(name: string): any }} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("darkroom", {
  createScriptURL: addressOf,
}) ?? { createScriptURL: addressOf };

/** @type {Set<Hear>} */
const listeners = new Set();

/**
 * Calls `hear` with the requests of every worker that is started from now on.
 * @param {Hear} hear
 */
export function watchWorkers(hear) {
  listeners.add(hear);
}

/**
 * @param {Name} name
 * @param {{ workerUrl: string, wasmUrl: string }} [urls] must be empty here: only the npm module,
 * which has scripts/package/start.js in the place of this file, takes URLs
 * @returns {Worker}
 * @throws {TypeError} if a URL is given
 */
export function startWorker(name, urls) {
  if (urls?.workerUrl || urls?.wasmUrl)
    throw new TypeError("Only the npm module takes workerUrl and wasmUrl.");
  const address = policy.createScriptURL(name);
  const worker = new Worker(address, { type: "module", name });
  worker.addEventListener("message", ({ data }) => {
    if (!data?.news?.requests) return;
    const requests = data.news.requests.map((/** @type {object} */ one) => ({ ...one, by: name }));
    for (const hear of listeners) hear(requests);
  });
  // The worker reads the address when it starts; a minute later it is not needed any more.
  setTimeout(() => URL.revokeObjectURL(String(address)), 60_000);
  return worker;
}

/** The address of the service worker. @returns {string} */
export function serviceWorker() {
  return policy.createScriptURL("service worker");
}
