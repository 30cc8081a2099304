// The service worker: caches the files of the page and of the built-in model for use offline. It
// answers from the cache, so that a page never runs with files of two versions. Other models are
// not cached: they are large, and are in the store's database.

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

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** The names of the caches have a hash of their files: an unchanged model is not fetched again. */
const SHELL = `darkroom-shell-${version(FILES.shell)}`;
const MODEL = `darkroom-model-${version(FILES.model)}`;
/** A cache that stores the offline lock while this worker is stopped. */
const SETTINGS = "darkroom-settings";
/** A cache of the store, with the titles of its models. */
const SHELF = "darkroom-shelf";
const LOCK = "offline-lock";

guardRequests();
/** The offline lock; undefined until it was read. @type {boolean | undefined} */
let locked;
const lockRead = readLock();

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
});
worker.addEventListener("message", (event) => {
  if (event.data === "use") worker.skipWaiting();
  else if (event.data === "files") event.ports[0]?.postMessage(ownFiles());
  else if ("offlineLock" in event.data) event.waitUntil(setLock(event.data.offlineLock));
});

/** This version's files, each with its cache. */
const ownFiles = () => ({
  scope: worker.registration.scope,
  files: [
    [SHELL, FILES.shell],
    [MODEL, FILES.model],
  ],
});

async function install() {
  await Promise.all([cacheFiles(SHELL, FILES.shell), cacheFiles(MODEL, FILES.model)]);
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
  const kept = new Set([SHELL, MODEL, SETTINGS, SHELF]);
  for (const name of await caches.keys()) {
    if (name.startsWith("darkroom-") && !kept.has(name)) await caches.delete(name);
  }
  await worker.clients.claim();
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
  const [cache, hash] =
    path in FILES.shell ? [SHELL, FILES.shell[path]] : [MODEL, FILES.model[path]];
  if (hash) return fromCache(request, cache, `${scope.href}${path}?${hash}`);
  // An optional file that the built-in model does not have: offline, too, the answer is 404.
  if (path.startsWith("models/demo/"))
    return fetch(request).catch(() => new Response(null, { status: 404 }));
  return null;
}

/**
 * @param {Request} request
 * @param {string} name
 * @param {string} key
 */
async function fromCache(request, name, key) {
  const cache = await caches.open(name);
  const found = await cache.match(key);
  // The browser may have deleted it from the cache.
  if (!found) return fetch(request);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
  return range ? part(found, Number(range[1]), range[2] ? Number(range[2]) : Infinity) : found;
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
