// Starts the worker of the npm module, where the site has start.js of its own. Bundlers give files
// new places, so both addresses are written as they look for them, and an embedder may tell others.
//
// The worker starts from a blob: address, which obeys the policy of the page and may import its
// script from another site.

const WORKER = new URL("./worker.js", import.meta.url).href;
const WASM = new URL("../pkg/darkroom_bg.wasm", import.meta.url).href;

/** @typedef {{ workerUrl: string, wasmUrl: string }} Told addresses; "" for the module's own */

/** @param {string} address */
const resolve = (address) => new URL(address, document.baseURI).href;

/** @param {Told} told */
function addressOf({ workerUrl, wasmUrl }) {
  const worker = JSON.stringify(resolve(workerUrl || WORKER));
  const wasm = JSON.stringify(resolve(wasmUrl || WASM));
  // Imports come first, whatever the order; the worker reads the name when it first needs the wasm.
  const source = `import ${worker};\nglobalThis.darkroomWasm = ${wasm};`;
  // A page of no site (a frame with `sandbox`) may not load a module from its own blob: addresses.
  if (globalThis.origin === "null") return `data:text/javascript,${encodeURIComponent(source)}`;
  return URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/** @type {{ createScriptURL(address: string): any } | null} */
let policy = null;

/** For a page that checks addresses of scripts (Trusted Types). @param {string} address */
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
 * @param {Told} told
 * @returns {Worker}
 */
export function startWorker(name, told) {
  const address = addressOf(told);
  const worker = new Worker(trusted(address), { type: "module", name });
  // The address is resolved when the worker starts to load; long after that it is not needed.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return worker;
}
