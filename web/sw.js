// The service worker: caches the files of the page and of the built-in model for use offline. It
// answers from the cache, so that a page never runs with files of two versions. Other models are
// not cached: they are large, and are in the store's database.
//
// A new version is used when the user accepts it. A browser activates a new worker by itself once
// all tabs were closed; until it is accepted, such a worker serves the files of the version before.

/**
 * The page's files; `scripts/site.mjs` writes them into this line.
 * @type {{ shell: Record<string, string>, model: Record<string, string> }} files with their hashes
 */
const FILES = { shell: {}, model: {} };
/**
 * Origins that weights may come from; `https://*.name` means all subdomains. `scripts/site.mjs`
 * writes them, here and into the page.
 * @type {string[]}
 */
const HOSTS = [];

/** @typedef {typeof FILES} Files */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** The names of the caches have a hash of their files: an unchanged model is not fetched again. */
const shellOf = (/** @type {Files} */ files) => `darkroom-shell-${version(files.shell)}`;
const modelOf = (/** @type {Files} */ files) => `darkroom-model-${version(files.model)}`;
/** A cache that stores the offline lock and the accepted files while this worker is stopped. */
const SETTINGS = "darkroom-settings";
/** A cache of the store, with the titles of its models. */
const SHELF = "darkroom-shelf";
const LOCK = "offline-lock";
const ACCEPTED = "accepted-files";

guardRequests();
/** The offline lock; undefined until it was read. @type {boolean | undefined} */
let locked;
const lockRead = readLock();
/** The files that are served, which the user accepted; null until they were read. */
let served = /** @type {Files | null} */ (null);
const servedRead = accepted().then((files) => (served ??= files));

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
});
worker.addEventListener("message", (event) => {
  const { source, ports } = event;
  if (event.data === "use") event.waitUntil(accept(source));
  else if (event.data === "news") event.waitUntil(tellNews(source));
  else if (event.data === "files") event.waitUntil(tellFiles(ports[0]));
  else if ("offlineLock" in event.data) event.waitUntil(setLock(event.data.offlineLock));
});

async function install() {
  const { shell, model } = FILES;
  await Promise.all([cacheFiles(shellOf(FILES), shell), cacheFiles(modelOf(FILES), model)]);
  // The first visit accepts.
  const settings = await caches.open(SETTINGS);
  if (!(await settings.match(ACCEPTED))) await writeAccepted();
}

/** The files that the user accepted. @returns {Promise<Files>} */
async function accepted() {
  const settings = await caches.open(SETTINGS);
  const found = await settings.match(ACCEPTED);
  return found ? found.json() : FILES;
}

async function writeAccepted() {
  served = FILES;
  const settings = await caches.open(SETTINGS);
  await settings.put(ACCEPTED, new Response(JSON.stringify(FILES)));
}

/**
 * Serves this worker's own files from now on.
 * @param {ExtendableMessageEvent["source"]} client that the user accepted them in
 */
async function accept(client) {
  await writeAccepted();
  await worker.skipWaiting();
  if (worker.registration.active?.state === "activated" && !worker.registration.waiting)
    await forgetOthers();
  client?.postMessage({ used: true });
}

/**
 * Tells a page that this worker has newer files than those that it serves.
 * @param {ExtendableMessageEvent["source"]} client
 */
async function tellNews(client) {
  if (shellOf(served ?? (await servedRead)) !== shellOf(FILES)) client?.postMessage({ news: true });
}

/**
 * Tells which files are served, and which would be after an update, each with its cache.
 * @param {MessagePort | undefined} port
 */
async function tellFiles(port) {
  const inCaches = (/** @type {Files} */ files) => [
    [shellOf(files), files.shell],
    [modelOf(files), files.model],
  ];
  const { scope } = worker.registration;
  port?.postMessage({
    scope,
    served: inCaches(served ?? (await servedRead)),
    own: inCaches(FILES),
  });
}

/**
 * Caches files that are missing. A file that has not changed is copied from the cache of an earlier
 * version.
 * @param {string} name
 * @param {Record<string, string>} files
 */
async function cacheFiles(name, files) {
  const cache = await caches.open(name);
  for (const [path, hash] of Object.entries(files)) {
    const url = new URL(path, worker.registration.scope).href;
    const key = `${url}?${hash}`;
    if (await cache.match(key)) continue;
    let response = await caches.match(key);
    if (!response) {
      // Not from the browser's cache, which may have an older version.
      response = await fetch(url, { cache: "no-cache" });
      // The engine may have requested a range of the file, and the browser answers with that. A
      // response with status 206 cannot be cached, even if its range is the whole file.
      if (response.status === 206) response = await fetch(url, { cache: "reload" });
      if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`);
    }
    await cache.put(key, response);
  }
}

async function activate() {
  // Another version may have been accepted since this worker was installed.
  served = await accepted();
  await forgetOthers();
  await worker.clients.claim();
}

/** Deletes the caches of versions that are neither served nor this worker's own. */
async function forgetOthers() {
  const used = [FILES, served ?? FILES].flatMap((files) => [shellOf(files), modelOf(files)]);
  const kept = new Set([...used, SETTINGS, SHELF]);
  for (const name of await caches.keys()) {
    if (name.startsWith("darkroom-") && !kept.has(name)) await caches.delete(name);
  }
}

/**
 * The response to a request; null leaves the request to the browser.
 * @param {Request} request
 * @returns {Promise<Response> | null}
 */
function answerTo(request) {
  const { origin, pathname } = new URL(request.url);
  const scope = new URL(worker.registration.scope);
  if (origin !== scope.origin) {
    if (locked || !isListed(origin)) return Promise.resolve(Response.error());
    // Left to the browser, which checks each redirect against the page's policy.
    return locked === false ? null : unlessLocked(request);
  }
  if (request.method !== "GET" || !pathname.startsWith(scope.pathname)) return null;
  const path = pathname.slice(scope.pathname.length) || "index.html";
  if (served) return answerFrom(served, request, path);
  return servedRead.then((files) => answerFrom(files, request, path) ?? fetch(request));
}

/**
 * The response to a request for a file of this site; null leaves it to the browser.
 * @param {Files} files
 * @param {Request} request
 * @param {string} path
 * @returns {Promise<Response> | null}
 */
function answerFrom(files, request, path) {
  const { shell, model } = files;
  const [cache, hash] =
    path in shell ? [shellOf(files), shell[path]] : [modelOf(files), model[path]];
  if (hash) return fromCache(request, cache, path, hash);
  // An optional file that the built-in model does not have: offline, too, the answer is 404.
  if (path.startsWith("models/demo/"))
    return fetch(request).catch(() => new Response(null, { status: 404 }));
  return null;
}

/**
 * @param {Request} request
 * @param {string} name
 * @param {string} path
 * @param {string} hash
 */
async function fromCache(request, name, path, hash) {
  const cache = await caches.open(name);
  const found = await cache.match(`${worker.registration.scope}${path}?${hash}`);
  // The browser may have deleted it from the cache.
  if (!found) return FILES.shell[path] === hash ? fetch(request) : sameFromHost(request, hash);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
  return range ? part(found, Number(range[1]), range[2] ? Number(range[2]) : Infinity) : found;
}

/**
 * A file of an accepted version that is not the host's latest: fetched only if it is the same.
 * @param {Request} request
 * @param {string} hash
 */
async function sameFromHost(request, hash) {
  const response = await fetch(request.url, { cache: "no-cache" });
  const digest = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
  const hex = [...new Uint8Array(digest)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  if (hex.startsWith(hash)) return response;
  const gone =
    "This browser has deleted a file of the version of Darkroom that you accepted, and the host " +
    "has another version. Reload with Shift to run that one.";
  return new Response(gone, { status: 503 });
}

/**
 * A response with a range of a file.
 * @param {Response} whole
 * @param {number} first
 * @param {number} asked the last byte
 */
async function part(whole, first, asked) {
  const blob = await whole.blob();
  const last = Math.min(asked, blob.size - 1);
  const headers = new Headers(whole.headers);
  if (first > last) {
    headers.set("Content-Range", `bytes */${blob.size}`);
    return new Response(null, { status: 416, headers });
  }
  headers.delete("Content-Encoding");
  headers.set("Content-Range", `bytes ${first}-${last}/${blob.size}`);
  headers.set("Content-Length", String(last - first + 1));
  return new Response(blob.slice(first, last + 1), { status: 206, headers });
}

/**
 * Fetches a file if the offline lock is off. For requests that come before the lock was read.
 * @param {Request} request to another site
 */
async function unlessLocked(request) {
  await lockRead;
  return locked ? Response.error() : fetch(request);
}

async function readLock() {
  const settings = await caches.open(SETTINGS);
  const found = await settings.match(LOCK);
  locked ??= !!found;
}

/** @param {boolean} on */
async function setLock(on) {
  locked = on;
  const settings = await caches.open(SETTINGS);
  if (on) await settings.put(LOCK, new Response("on"));
  else await settings.delete(LOCK);
}

/**
 * Whether an origin is one of `HOSTS`, or a subdomain that they allow.
 * @param {string} origin
 */
function isListed(origin) {
  return HOSTS.some((host) => {
    const [scheme = "", below] = host.split("*");
    if (below === undefined) return host === origin;
    return origin.startsWith(scheme) && origin.slice(scheme.length).endsWith(below);
  });
}

/**
 * Enforces the page's policy here too. A service worker only has the policy in the headers of its
 * own file, and a host may send none; so `fetch` is replaced, and other ways are removed.
 */
function guardRequests() {
  const allowed = (/** @type {string} */ url) => {
    const { origin } = new URL(url);
    return origin === worker.location.origin || isListed(origin);
  };
  const ask = worker.fetch.bind(worker);
  /** @type {typeof fetch} */
  const guarded = async (input, init) => {
    const request = new Request(input, init);
    if (!allowed(request.url)) throw new TypeError("Refused by the policy");
    // A request for a page (a Request, not a string) is in that page's own list.
    const own = typeof input === "string";
    const asked = ask(request);
    if (own)
      asked.then(
        () => reportRequest(request.url, false),
        () => reportRequest(request.url, true),
      );
    const response = await asked;
    const stayed = !response.url || allowed(response.url);
    if (!stayed) throw new TypeError("Led elsewhere, refused by the policy");
    return response;
  };
  const fixed = { writable: false, configurable: false };
  Object.defineProperty(worker, "fetch", { value: guarded, ...fixed });
  const none = { value: undefined, ...fixed };
  for (const name of ["WebSocket", "WebTransport", "EventSource", "WebSocketStream"])
    if (name in worker) Object.defineProperty(worker, name, none);
  for (const name of ["add", "addAll"]) Object.defineProperty(Cache.prototype, name, none);
}

/**
 * Reports a request that this worker made for itself to all pages, after it has ended.
 * @param {string} url
 * @param {boolean} failed
 */
async function reportRequest(url, failed) {
  const request = { url, time: Date.now(), bytes: 0, by: "service worker", failed };
  for (const client of await worker.clients.matchAll({ includeUncontrolled: true }))
    client.postMessage({ requests: [request] });
}

/**
 * A name for a set of files: 53 bits of their hashes.
 * @param {Record<string, string>} files
 */
function version(files) {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (const char of Object.entries(files).join()) {
    a = Math.imul(a ^ char.charCodeAt(0), 2654435761);
    b = Math.imul(b ^ char.charCodeAt(0), 1597334677);
  }
  return `${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}
