// Starts the worker of the npm module; it replaces the site's web/engine/start.js. Bundlers move
// files, so both URLs are written in the form that bundlers recognise, and an embedder may set
// others.
//
// The worker starts from a blob: address, which obeys the policy of the page and may import its
// script from another site.

import { EngineError } from "../rpc/messages.js";

const WORKER = new URL("./worker.js", import.meta.url).href;
const WASM = new URL("../pkg/darkroom_bg.wasm", import.meta.url).href;

/** @typedef {{ workerUrl: string, wasmUrl: string }} Urls "" for the module's own file */

/** @param {string} address */
const resolve = (address) => new URL(address, globalThis.document?.baseURI ?? location.href).href;

const NO_BROWSER =
  "The engine runs in browsers only: here is no Worker, or no address of a page. In a page that " +
  "a server renders, call it after the page was loaded. In Node, run the program darkroom instead.";

/** Node has no Worker of this kind; other servers' programs may have one, but no address. */
function needBrowser() {
  if (typeof Worker === "function" && globalThis.location) return;
  throw new EngineError({ kind: "no_browser", message: NO_BROWSER });
}

/** The address of the worker's first script. @param {Urls} urls */
function addressOf({ workerUrl, wasmUrl }) {
  const worker = JSON.stringify(resolve(workerUrl || WORKER));
  const wasm = JSON.stringify(resolve(wasmUrl || WASM));
  // Imports run first; the worker reads `darkroomWasm` later, when it first needs the wasm.
  const source = `import ${worker};\nglobalThis.darkroomWasm = ${wasm};`;
  // A page with an opaque origin (a frame with `sandbox`) cannot load a module from blob: URLs.
  if (globalThis.origin === "null") return `data:text/javascript,${encodeURIComponent(source)}`;
  return URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/** @type {{ createScriptURL(address: string): any } | null} */
let policy = null;

/** The address for a page with Trusted Types. @param {string} address */
function trusted(address) {
  policy ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy("darkroom", {
    createScriptURL: (/** @type {string} */ one) => {
      if (/^(blob:|data:text\/javascript,)/.test(one)) return one;
      throw new TypeError(`No script of this module: ${one}`);
    },
  }) ?? { createScriptURL: (one) => one };
  return /** @type {NonNullable<typeof policy>} */ (policy).createScriptURL(address);
}

/**
 * @param {string} name shown by the browser's tools
 * @param {Urls} urls
 * @returns {Worker}
 * @throws {EngineError} of kind no_browser
 */
export function startWorker(name, urls) {
  needBrowser();
  const address = addressOf(urls);
  const worker = new Worker(trusted(address), { type: "module", name });
  // The worker reads the address when it starts; a minute later it is not needed any more.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return worker;
}
