// The service worker: keeps the page's own files, and the built-in model's, for use offline. It
// answers from what it has put away, so that a page never runs with files of two versions. Other
// models are none of its business: they are large and have a home of their own.

/**
 * What the page is made of; `scripts/site.mjs` writes it into this line.
 * @type {{ shell: Record<string, string>, model: Record<string, string> }} files with their hashes
 */
const FILES = { shell: {}, model: {} };
/**
 * Origins that weights may come from, `https://*.name` for all below a name; `scripts/site.mjs`
 * writes them, here and into the page.
 * @type {string[]}
 */
const HOSTS = [];

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** Caches by what is in them: a model is not fetched anew with each version of the page. */
const SHELL = `darkroom-shell-${version(FILES.shell)}`;
const MODEL = `darkroom-model-${version(FILES.model)}`;
/** Remembers the offline lock while this worker sleeps. */
const SETTINGS = "darkroom-settings";
/** Which models are stored: the store's worker notes it there. */
const SHELF = "darkroom-shelf";
const LOCK = "offline-lock";

obeyThePolicy();
/** The offline lock, once it is known. @type {boolean | undefined} */
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
  else if ("offlineLock" in event.data) event.waitUntil(setLock(event.data.offlineLock));
});

async function install() {
  await Promise.all([putAway(SHELL, FILES.shell), putAway(MODEL, FILES.model)]);
}

/**
 * Puts files away that are not there yet; those of an earlier version that are the same are taken
 * from it.
 * @param {string} name
 * @param {Record<string, string>} files
 */
async function putAway(name, files) {
  const cache = await caches.open(name);
  for (const [path, hash] of Object.entries(files)) {
    const url = new URL(path, worker.registration.scope).href;
    const key = `${url}?${hash}`;
    if (await cache.match(key)) continue;
    let response = await caches.match(key);
    if (!response) {
      // Past any cache that may hold an older version.
      response = await fetch(url, { cache: "no-cache" });
      // The engine has asked for it as a range, and the browser's cache answers with that; a part
      // cannot be put away, even one that is all of it.
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
 * The answer to a request; nothing leaves it to the browser.
 * @param {Request} request
 * @returns {Promise<Response> | null}
 */
function answerTo(request) {
  const { origin, pathname } = new URL(request.url);
  const scope = new URL(worker.registration.scope);
  if (origin !== scope.origin) {
    if (locked || !isNamed(origin)) return Promise.resolve(Response.error());
    // Left to the browser, which holds every redirect against the policy of the page.
    return locked === false ? null : unlessLocked(request);
  }
  if (request.method !== "GET" || !pathname.startsWith(scope.pathname)) return null;
  const path = pathname.slice(scope.pathname.length) || "index.html";
  const [cache, hash] =
    path in FILES.shell ? [SHELL, FILES.shell[path]] : [MODEL, FILES.model[path]];
  if (hash) return fromCache(request, cache, `${scope.href}${path}?${hash}`);
  // A file that the built-in model may have or not: without a network it has it not.
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
  // The browser may have thrown it away.
  if (!found) return fetch(request);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
  return range ? part(found, Number(range[1]), range[2] ? Number(range[2]) : Infinity) : found;
}

/**
 * A range of a file.
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
 * Just after this worker woke up, when it does not know yet whether it is locked.
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
 * Whether one of the hosts has this origin, or a name that it is below, at a dot.
 * @param {string} origin
 */
function isNamed(origin) {
  return HOSTS.some((host) => {
    const [scheme = "", below] = host.split("*");
    if (below === undefined) return host === origin;
    return origin.startsWith(scheme) && origin.slice(scheme.length).endsWith(below);
  });
}

/**
 * A service worker has no policy but that of its own file's headers, and a host may send none: what
 * the policy of the page forbids is forbidden here by taking away the means.
 */
function obeyThePolicy() {
  const allowed = (/** @type {string} */ url) => {
    const { origin } = new URL(url);
    return origin === worker.location.origin || isNamed(origin);
  };
  const ask = worker.fetch.bind(worker);
  /** @type {typeof fetch} */
  const guarded = async (input, init) => {
    const request = new Request(input, init);
    if (!allowed(request.url)) throw new TypeError("Refused by the policy");
    // What it asks for a page is on that page's own list.
    const own = typeof input === "string";
    const asked = ask(request);
    if (own)
      asked.then(
        () => tell(request.url, false),
        () => tell(request.url, true),
      );
    const response = await asked;
    const ended = !response.url || allowed(response.url);
    if (!ended) throw new TypeError("Led elsewhere, refused by the policy");
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
 * Tells all pages of a request of this worker's own, once it has ended.
 * @param {string} url
 * @param {boolean} failed
 */
async function tell(url, failed) {
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
