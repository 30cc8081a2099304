// Starts a worker that obeys the page's own security policy on any host.
//
// A worker that is started from an http address has only the policy of that answer's headers, and a
// static host may send none. One that is started from a blob: address inherits the page's policy,
// the <meta> one as well; all it does is to import the real script.

/**
 * @param {URL} script the module that the worker runs
 * @returns {Worker}
 */
export function startWorker(script) {
  const source = `import ${JSON.stringify(script.href)};`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  // The address is resolved when the worker starts to load; long after that it is not needed.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return worker;
}
