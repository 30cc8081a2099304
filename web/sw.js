// The service worker: caches the files of the page and of the built-in model for use offline. It
// answers from the cache, so that a page never runs with files of two versions. Other models are
// not cached: they are large, and are in the store's database.
//
// Which version is served does not depend on which service worker runs: it is the accepted one,
// also after all tabs were closed. A newer one is cached beside it and becomes the accepted one
// when the user says so (proof/update.js).

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

/**
 * A version: caches, each with its files and their hashes.
 * @typedef {[string, Record<string, string>][]} Version
 */

/** The names of the caches have a hash of their files: an unchanged model is not fetched again. */
const SHELL = `darkroom-shell-${nameOf(FILES.shell)}`;
const MODEL = `darkroom-model-${nameOf(FILES.model)}`;
/** The version that this script came with. @type {Version} */
const OWN = [
  [SHELL, FILES.shell],
  [MODEL, FILES.model],
];
/** A cache with the versions below, and with the offline lock while this worker is stopped. */
const SETTINGS = "darkroom-settings";
/** In it: the version that is served, and a whole newer one. */
const ACCEPTED = "accepted-version";
const NEXT = "next-version";
const LOCK = "offline-lock";
/** A cache of the store, with the titles of its models. */
const SHELF = "darkroom-shelf";
/** A Web Lock: caches are filled, and deleted, one version at a time. */
const FILLING = "darkroom-versions";
/** The list of hashes. It has the hash of this script, which so cannot have the list's. */
const SUMS = "SHA256SUMS";

guardRequests();
/** The offline lock; undefined until it was read. @type {boolean | undefined} */
let locked;
const lockRead = readLock();
/**
 * The accepted version; undefined until it was read, null if there is none.
 * @type {Version | null | undefined}
 */
let serving;

worker.addEventListener("install", (event) => event.waitUntil(alone(install)));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
  if (event.request.mode === "navigate") event.waitUntil(alone(tidy));
});
worker.addEventListener("message", (event) => {
  const [port] = event.ports;
  if ("accept" in event.data)
    event.waitUntil(accept(event.data.accept).then((said) => port?.postMessage(said)));
  else if ("offlineLock" in event.data) event.waitUntil(setLock(event.data.offlineLock));
});

/** @param {() => Promise<void>} task */
const alone = (task) => worker.navigator.locks.request(FILLING, task);

/** Caches this version beside the accepted one, which is still served. */
async function install() {
  for (const [cache, files] of OWN) await cacheFiles(cache, files);
  const accepted = await readVersion(ACCEPTED);
  if (!accepted) return;
  await writeVersion(NEXT, isSame(accepted, OWN) ? null : OWN);
  await forgetOthers();
  await worker.skipWaiting();
}

/** Without an accepted version, which is a first visit, it is this one. */
async function activate() {
  if (await readVersion(ACCEPTED)) return;
  await writeVersion(ACCEPTED, OWN);
  serving = OWN;
  await worker.clients.claim();
}

/**
 * From now on the newer version is served. Not while another page is open, which would get files of
 * two versions.
 * @param {string} name of its first cache: the version that the user has seen
 * @returns {Promise<{ others: number, done: boolean }>} how many other pages are open
 */
async function accept(name) {
  const open = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const others = open.length - 1;
  if (others > 0) return { others, done: false };
  return worker.navigator.locks.request(FILLING, async () => {
    const next = await readVersion(NEXT);
    if (next?.[0]?.[0] !== name) return { others, done: false };
    await writeVersion(ACCEPTED, next);
    await writeVersion(NEXT, null);
    serving = next;
    return { others, done: true };
  });
}

/** Deletes former versions. Without an accepted one, which the browser lost, caches this one. */
async function tidy() {
  if (!(await readVersion(ACCEPTED))) {
    for (const [cache, files] of OWN) await cacheFiles(cache, files);
    await writeVersion(ACCEPTED, OWN);
  }
  await forgetOthers();
}

/** Deletes caches that no version needs; there may be copies of the app under other paths. */
async function forgetOthers() {
  const kept = new Set([SHELL, MODEL, SETTINGS, SHELF]);
  const settings = await caches.open(SETTINGS);
  for (const { url } of await settings.keys()) {
    if (!url.endsWith(ACCEPTED) && !url.endsWith(NEXT)) continue;
    for (const [name] of (await readVersion(url)) ?? []) kept.add(name);
  }
  for (const name of await caches.keys())
    if (name.startsWith("darkroom-") && !kept.has(name)) await caches.delete(name);
}

/** @param {string} name @returns {Promise<Version | null>} */
async function readVersion(name) {
  const found = await (await caches.open(SETTINGS)).match(name);
  return found ? found.json() : null;
}

/** @param {string} name @param {Version | null} version */
async function writeVersion(name, version) {
  const settings = await caches.open(SETTINGS);
  if (version) await settings.put(name, new Response(JSON.stringify(version)));
  else await settings.delete(name);
}

/** @param {Version} a @param {Version} b */
const isSame = (a, b) => a.every(([name], i) => name === b[i]?.[0]);

/** The address of a file in a cache. @param {string} path @param {string} hash */
const keyOf = (path, hash) => `${worker.registration.scope}${path}?${hash}`;

/**
 * Caches files that are missing. A file that has not changed is copied from the cache of an earlier
 * version.
 * @param {string} name
 * @param {Record<string, string>} files
 */
async function cacheFiles(name, files) {
  const cache = await caches.open(name);
  for (const [path, hash] of Object.entries(files)) {
    const key = keyOf(path, hash);
    if (await cache.match(key)) continue;
    await cache.put(key, (await caches.match(key)) ?? (await fetchFile(path, hash)));
  }
}

/**
 * Fetches a file of a version.
 * @param {string} path
 * @param {string} hash
 * @throws {Error} if the host does not have it, or not with these bytes
 */
async function fetchFile(path, hash) {
  const url = new URL(path, worker.registration.scope).href;
  // Not from the browser's cache, which may have an older version.
  let response = await fetch(url, { cache: "no-cache" });
  // The engine may have requested a range of the file, and the browser answers with that. A
  // response with status 206 cannot be cached, even if its range is the whole file.
  if (response.status === 206) response = await fetch(url, { cache: "reload" });
  if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`);
  const { status, headers } = response;
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (path !== SUMS && !found.startsWith(hash))
    throw new Error(`${path}: the server has other bytes than this version`);
  return new Response(bytes, { status, headers });
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
  // Another service worker may have run when a version was accepted.
  if (request.mode === "navigate" || serving === undefined)
    return readVersion(ACCEPTED).then((version) => {
      serving = version;
      return answerWith(version, request, path) ?? fetch(request);
    });
  return answerWith(serving, request, path);
}

/**
 * The response with a file of a version; null for others.
 * @param {Version | null} version
 * @param {Request} request
 * @param {string} path
 * @returns {Promise<Response> | null}
 */
function answerWith(version, request, path) {
  for (const [cache, files] of version ?? []) {
    const hash = Object.hasOwn(files, path) && files[path];
    if (hash) return fromCache(request, cache, path, hash);
  }
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
  const key = keyOf(path, hash);
  const cache = await caches.open(name);
  const found = (await cache.match(key)) ?? (await fetchAgain(cache, path, hash));
  // A page that is open gets no file of another version; a new one gets all of the host's.
  if (!found) return request.mode === "navigate" ? fetch(request) : Response.error();
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
  return range ? part(found, Number(range[1]), range[2] ? Number(range[2]) : Infinity) : found;
}

/**
 * Fetches a file that the browser has deleted from the cache. If the host has it no more, the next
 * page that opens gets the version that the host has.
 * @param {Cache} cache
 * @param {string} path
 * @param {string} hash
 */
async function fetchAgain(cache, path, hash) {
  try {
    const fetched = await fetchFile(path, hash);
    await cache.put(keyOf(path, hash), fetched.clone());
    return fetched;
  } catch (error) {
    // Without a network the others are still served.
    if (!(error instanceof TypeError)) await writeVersion(ACCEPTED, null);
    return null;
  }
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
function nameOf(files) {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (const char of Object.entries(files).join()) {
    a = Math.imul(a ^ char.charCodeAt(0), 2654435761);
    b = Math.imul(b ^ char.charCodeAt(0), 1597334677);
  }
  return `${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}
