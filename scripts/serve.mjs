// A static file server of Node's own parts: right types, ranges, no caching of anything stale.
//   node scripts/serve.mjs --root DIR [--port N] [--no-range]
// The tests use it too, with a prefix, folders laid over the root, and bad habits to try.

import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Options
 * @property {string[]} roots folders, the first that has a file wins
 * @property {number} [port] 0 for any free one
 * @property {string} [prefix] path under which the site stands, such as "/some/where"
 * @property {boolean} [range] whether byte ranges are honoured; else every answer is the whole file
 * @property {boolean} [headers] whether the policy is sent as a header too; many hosts send none
 * @property {string} [without] files whose path begins so are not there
 * @property {string} [fallback] a page answered with status 200 for files that do not exist
 * @property {(request: import("node:http").IncomingMessage, response:
 *   import("node:http").ServerResponse, path: string) => boolean} [instead] answers a path itself,
 *   if it says so
 */

/** @type {Record<string, string>} */
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** The page for frames of other sites. */
const EMBED = "/embed.html";
/** Pages with a policy of their own; every other file has that of the first. */
const PAGES = ["/index.html", EMBED];

/**
 * What a page may do: as its own <meta> says, and whose frames may hold it, which only a header can
 * say: nobody's, but for those that embed.html names.
 * @param {string[]} roots
 * @param {string} path the page's
 */
async function policyOf(roots, path) {
  const found = await find(roots, path);
  const page = found ? await readFile(found.name, "utf8") : "";
  const own = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(page)?.[1];
  const embedders = /<meta name="embed-hosts" content="([^"]+)"/.exec(page)?.[1];
  return [own ?? "default-src 'none'", `frame-ancestors ${embedders ?? "'none'"}`].join("; ");
}

/**
 * Starts serving; resolves once the port is open.
 * @param {Options} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve({
  roots,
  port = 0,
  prefix = "",
  range = true,
  headers = true,
  without,
  fallback,
  instead,
}) {
  const [page, embed] = await Promise.all(PAGES.map((path) => policyOf(roots, path)));
  const policyFor = (/** @type {string} */ path) => (path === EMBED ? embed : page) ?? null;
  const server = createServer(async (request, response) => {
    const send = (/** @type {number} */ status, /** @type {string} */ text) => {
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(text);
    };
    if (request.method !== "GET" && request.method !== "HEAD")
      return send(405, "Only GET and HEAD.");
    const path = localPath(request.url ?? "/", prefix);
    if (path === null) return send(404, "Not found.");
    if (instead?.(request, response, path)) return;
    let file = without && path.startsWith(without) ? null : await find(roots, path);
    if (!file && fallback) file = await find(roots, fallback);
    if (!file) return send(404, "Not found.");
    answer(request, response, file, range, headers ? policyFor(path) : null);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const { port: bound } = /** @type {import("node:net").AddressInfo} */ (server.address());
      const close = () =>
        new Promise((/** @type {(value: void) => void} */ done) => {
          server.close(() => done());
          server.closeAllConnections();
        });
      resolve({ url: `http://localhost:${bound}${prefix}/`, close });
    });
  });
}

/**
 * The path inside the site, or null when the address is outside of it.
 * @param {string} url
 * @param {string} prefix
 */
function localPath(url, prefix) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return null;
  }
  if (!path.startsWith(`${prefix}/`)) return null;
  path = normalize(path.slice(prefix.length));
  return path.includes("\0") || path.split(sep).includes("..") ? null : path;
}

/**
 * The first of the roots that has this file.
 * @param {string[]} roots
 * @param {string} path
 */
async function find(roots, path) {
  for (const root of roots) {
    const name = join(root, path.endsWith("/") ? `${path}index.html` : path);
    const info = await stat(name).catch(() => null);
    if (info?.isFile()) return { name, size: info.size, etag: `"${info.size}-${info.mtimeMs}"` };
  }
  return null;
}

/**
 * Sends a file, or the range of it that was asked for.
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {{ name: string, size: number, etag: string }} file
 * @param {boolean} range
 * @param {string | null} policy
 */
function answer(request, response, file, range, policy) {
  const headers = {
    "Content-Type": TYPES[extname(file.name)] ?? "application/octet-stream",
    ...(policy === null ? {} : { "Content-Security-Policy": policy }),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    ETag: file.etag,
    ...(range ? { "Accept-Ranges": "bytes" } : {}),
  };
  if (!request.headers.range && request.headers["if-none-match"] === file.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const asked = range ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") : null;
  const first = asked ? Number(asked[1]) : 0;
  const last = Math.min(asked?.[2] ? Number(asked[2]) : Infinity, file.size - 1);
  if (asked && (first >= file.size || last < first)) {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${file.size}` }).end();
    return;
  }
  response.writeHead(asked ? 206 : 200, {
    ...headers,
    "Content-Length": last - first + 1,
    ...(asked ? { "Content-Range": `bytes ${first}-${last}/${file.size}` } : {}),
  });
  if (request.method === "HEAD" || file.size === 0) {
    response.end();
    return;
  }
  const stream = createReadStream(file.name, { start: first, end: last });
  stream.on("error", () => response.destroy());
  response.on("close", () => stream.destroy());
  stream.pipe(response);
}

async function main() {
  const arguments_ = process.argv.slice(2);
  const value = (/** @type {string} */ name) => {
    const at = arguments_.indexOf(name);
    return at < 0 ? undefined : arguments_[at + 1];
  };
  const root = value("--root") ?? "dist";
  try {
    const port = Number(value("--port") ?? 8080);
    const { url } = await serve({ roots: [root], port, range: !arguments_.includes("--no-range") });
    console.log(`Darkroom is at ${url} (Ctrl+C ends it)`);
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const reason =
      code === "EADDRINUSE" ? "that port is taken; choose another with --port N" : message;
    console.error(`ERROR: could not serve ${root}: ${reason}.`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
