// A publisher as weights have it: a hub that holds the pointers and leads every request for bytes
// on to one of its edges, which are other hosts, and of which one may fail in its own way.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { serve } from "../../../scripts/serve.mjs";
import { sha256 } from "./weights.mjs";

/**
 * What a failing edge does: a status with a body, or bytes that are not those asked for.
 * @typedef {{ status: number, body: string, retryAfter?: string }
 *   | "empty" | "short" | "elsewhere" | "flip" | "gzip" | "gzipped" | "trickle"} Failing
 * "gzip" says that the bytes are compressed, which they are not; "gzipped" compresses them.
 */

export class Publisher {
  /** How the edge "b" fails; all answer well where it is null. @type {Failing | null} */
  failing = null;
  /** Whether all edges fail that way. */
  everywhere = false;
  /** Where every request is led, instead of to an edge. @type {string | null} */
  away = null;
  /** Pointers that are not the files' own. @type {Map<string, string>} */
  pointers = new Map();
  /** Whether pointers can be read. */
  silent = false;
  /** What each edge names the version of a file. */
  etag = (/** @type {string} */ edge, /** @type {string} */ sum) => `"${edge}${sum}"`;
  /** Requests: host and path. @type {{ edge: string, path: string, start: number }[]} */
  asked = [];
  /** How often a piece was asked for: the next time it is led elsewhere. */
  #times = new Map();
  url = "";
  port = "";

  /** @param {import("./weights.mjs").Weights} weights */
  constructor(weights) {
    this.weights = weights;
  }

  /** @param {import("node:test").TestContext} t */
  async open(t) {
    const site = await serve({ roots: [], instead: this.#answer });
    t.after(() => site.close());
    this.port = new URL(site.url).port;
    this.url = `http://hub.localhost:${this.port}/`;
    return this;
  }

  /** What the policy must allow. */
  get hosts() {
    return [`http://hub.localhost:${this.port}`, `http://*.edge.localhost:${this.port}`];
  }

  /**
   * The manifest: files of which only the whole's hash is known, large ones with a pointer.
   * @param {number} chunk
   * @param {"chunks" | "files" | "none"} [known]
   * @param {object} [more]
   */
  manifest(chunk, known = "files", more = {}) {
    const manifest = JSON.parse(
      this.weights.manifest(chunk, known, {
        base: `${this.url}resolve/`,
        pointers: `${this.url}raw/`,
        hosts: this.hosts,
        ...more,
      }),
    );
    for (const file of manifest.files) {
      if (file.path.endsWith(".safetensors")) file.pointer = true;
      if (file.path === "config.json" && file.sha256) file.beside = true;
    }
    return JSON.stringify(manifest);
  }

  /** @type {import("../../../scripts/serve.mjs").Options["instead"]} */
  #answer = (request, response, path) => {
    const host = String(request.headers.host);
    const open = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers":
        "Content-Range, ETag, Retry-After, Content-Encoding, Content-Length",
    };
    const [, kind = "", name = ""] = /^\/(\w+)\/(.*)$/.exec(path) ?? [];
    const file = this.weights.files.get(name);
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const edge = /^(\w+)\.edge\.localhost:/.exec(host)?.[1];
    if (request.method === "GET") this.asked.push({ edge: edge ?? kind, path: name, start });
    if (!file) response.writeHead(404, open).end();
    else if (kind === "raw") this.#point(response, open, name, file);
    else if (kind === "resolve") {
      const times = this.#times.get(`${name} ${start}`) ?? 0;
      this.#times.set(`${name} ${start}`, times + 1);
      const to = "abc"[(Math.floor(start / 4096) + times) % 3];
      const where = this.away ?? `http://${to}.edge.localhost:${this.port}/bytes/${name}`;
      response.writeHead(302, { ...open, Location: where }).end();
    } else {
      assert.ok(edge, `${host} is asked for bytes`);
      const fails = this.failing && (this.everywhere || edge === "b");
      this.#give(request, response, open, edge, file, fails ? this.failing : null);
    }
    return true;
  };

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {Record<string, string>} open
   * @param {string} name
   * @param {Buffer} file
   */
  #point(response, open, name, file) {
    if (this.silent) return void response.writeHead(500, open).end();
    const own =
      "version https://git-lfs.github.com/spec/v1\n" +
      `oid sha256:${sha256(file)}\nsize ${file.length}\n`;
    response
      .writeHead(200, { ...open, "Content-Type": "text/plain" })
      .end(this.pointers.get(name) ?? own);
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @param {Record<string, string>} open
   * @param {string} edge
   * @param {Buffer} file
   * @param {Failing | null} failing
   */
  #give(request, response, open, edge, file, failing) {
    if (failing && typeof failing === "object") {
      const patience = failing.retryAfter ? { "Retry-After": failing.retryAfter } : {};
      const head = { ...open, ...patience, "Content-Type": "text/plain" };
      return void response.writeHead(failing.status, head).end(failing.body);
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const start = Number(range?.[1] ?? 0);
    const end = range ? Math.min(Number(range[2]) + 1, file.length) : file.length;
    let body = Buffer.from(file.subarray(start, end));
    const told = failing === "elsewhere" ? start + 1 : start;
    if (failing === "flip") body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    if (failing === "empty") body = body.subarray(0, 0);
    if (failing === "short") body = body.subarray(0, body.length >> 1);
    if (failing === "gzipped") body = gzipSync(body);
    const head = {
      ...open,
      "Content-Type": "application/octet-stream",
      ETag: this.etag(edge, sha256(file)),
      ...(range ? { "Content-Range": `bytes ${told}-${end - 1}/${file.length}` } : {}),
      ...(failing === "gzip" || failing === "gzipped" ? { "Content-Encoding": "gzip" } : {}),
    };
    response.writeHead(range ? 206 : 200, head);
    if (failing !== "trickle") return void response.end(body);
    let at = 0;
    const drop = setInterval(() => {
      if (at < body.length && !response.destroyed) response.write(body.subarray(at, ++at));
      else clearInterval(drop);
    }, 50);
  }
}
