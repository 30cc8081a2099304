// A server of weights that misbehaves on command, and keeps a list of what it was asked.

import { createHash, randomBytes } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";

/**
 * What may be wrong with an answer.
 * @typedef {"drop" | "truncate" | "flip" | "whole" | "stall" | "gone" | "changed" | "longer" |
 *   "page" | "redirect" | "away" | number} Fault a number is a status
 */

export const sha256 = (/** @type {Uint8Array} */ bytes) =>
  createHash("sha256").update(bytes).digest("hex");
const text = { "Content-Type": "text/plain" };

/**
 * A file that is what its name says, and whose content nobody can guess.
 * @param {string} path
 * @param {number} size
 */
export function randomFile(path, size) {
  const bytes = randomBytes(size);
  if (path.endsWith(".json")) {
    const text = '{"x":"';
    return Buffer.from(`${text}${bytes.toString("hex").slice(0, size - text.length - 2)}"}`);
  }
  if (!path.endsWith(".safetensors")) return bytes;
  const header = Buffer.from('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}');
  bytes.writeBigUInt64LE(BigInt(header.length));
  header.copy(bytes, 8);
  return bytes;
}

export class Weights {
  /** @type {Map<string, Buffer>} */
  files = new Map();
  /** What was asked, in order. @type {{ path: string, start: number, end: number }[]} */
  asked = [];
  /** Requests under another name of this machine: for a browser, another host. */
  strays = 0;
  /** @type {{ fault: Fault, path: string, times: number, retryAfter?: number }[]} */
  faults = [];
  /** Milliseconds before an answer. */
  delay = 0;
  /** Nothing is answered before this. @type {Promise<void>} */
  hold = Promise.resolve();
  /** Whether pages of other sites may read the answers. */
  cors = false;
  /** How many answers were under way at once, at most. */
  most = 0;
  #under = 0;

  /** @param {Record<string, number>} sizes */
  constructor(sizes) {
    for (const [path, size] of Object.entries(sizes)) this.files.set(path, randomFile(path, size));
  }

  /**
   * The files of a model's folder.
   * @param {string} folder
   */
  static async of(folder) {
    const weights = new Weights({});
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.(json|txt|safetensors)$/.test(file)) continue;
      const path = relative(folder, file).replaceAll("\\", "/");
      if (path !== "manifest.json") weights.files.set(path, await readFile(file));
    }
    return weights;
  }

  /**
   * The manifest: with hashes of chunks, of files, or none.
   * @param {number} chunk
   * @param {"chunks" | "files" | "none"} [known]
   * @param {object} [more]
   */
  manifest(chunk, known = "chunks", more = {}) {
    const files = [...this.files].map(([path, bytes]) => {
      const chunks = [];
      for (let at = 0; at < bytes.length; at += chunk)
        chunks.push(sha256(bytes.subarray(at, at + chunk)));
      return {
        path,
        bytes: bytes.length,
        ...(known === "none" ? {} : { sha256: sha256(bytes) }),
        ...(known === "chunks" && chunks.length > 1 ? { chunks } : {}),
      };
    });
    return JSON.stringify({
      ...{ format: 1, id: "test", title: "A test", licence: { name: "none" } },
      ...{ base: "", hosts: [], chunk_bytes: chunk, files },
      ...more,
    });
  }

  /**
   * The next answers of a path go wrong.
   * @param {Fault} fault
   * @param {{ path?: string, times?: number, retryAfter?: number }} [how]
   */
  fail(fault, { path = "", times = 1, retryAfter } = {}) {
    this.faults.push({ fault, path, times, retryAfter });
  }

  /**
   * Answers what lies under /weights/.
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @param {string} path
   */
  answer = (request, response, path) => {
    if (!path.startsWith("/weights/")) return false;
    if (!request.headers.host?.startsWith("localhost")) this.strays++;
    if (this.cors) {
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Expose-Headers", "Content-Range, ETag, Retry-After");
    }
    const name = path.slice("/weights/".length).replace(/^moved\//, "");
    const file = this.files.get(name);
    if (!file) {
      response.writeHead(404, text).end();
      return true;
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(Number(range?.[2] || file.length - 1) + 1, file.length);
    if (request.method === "GET") this.asked.push({ path: name, start, end });
    this.most = Math.max(this.most, ++this.#under);
    response.on("close", () => this.#under--);
    const fault = request.method === "GET" ? this.#fault(name) : undefined;
    const act = () => this.#act(response, { name, file, start, end, ranged: !!range }, fault);
    this.hold.then(() => setTimeout(act, this.delay));
    return true;
  };

  /** @param {string} path */
  #fault(path) {
    const fault = this.faults.find((one) => one.times > 0 && path.startsWith(one.path));
    if (fault) fault.times--;
    return fault;
  }

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {{ name: string, file: Buffer, start: number, end: number, ranged: boolean }} asked
   * @param {{ fault: Fault, retryAfter?: number }} [wrong]
   */
  #act(response, { name, file, start, end, ranged }, wrong) {
    const fault = wrong?.fault;
    if (typeof fault === "number") {
      const { retryAfter } = /** @type {{ retryAfter?: number }} */ (wrong);
      const patience = retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) };
      response.writeHead(fault, { ...text, ...patience }).end();
      return;
    }
    if (fault === "gone") return void response.destroy();
    if (fault === "page") {
      response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>Welcome");
      return;
    }
    if (fault === "away") {
      const { port } = /** @type {import("node:net").AddressInfo} */ (
        /** @type {import("node:net").Socket} */ (response.socket).address()
      );
      response.writeHead(302, { Location: `http://127.0.0.1:${port}/weights/${name}` }).end();
      return;
    }
    if (fault === "redirect") {
      response.writeHead(302, { Location: `/weights/moved/${name}` }).end();
      return;
    }
    const body = Buffer.from(fault === "whole" ? file : file.subarray(start, end));
    if (fault === "flip") body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 4;
    const size = file.length + (fault === "longer" ? 1 : 0);
    const whole = fault === "whole" || !ranged;
    const headers = {
      "Content-Type": "application/octet-stream",
      ETag: fault === "changed" ? '"other"' : `"${sha256(file)}"`,
      ...(whole ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${size}` }),
      ...(fault === "truncate" ? {} : { "Content-Length": body.length }),
    };
    response.writeHead(whole ? 200 : 206, headers);
    const half = body.subarray(0, body.length >> 1);
    if (fault === "truncate") response.end(half);
    else if (fault === "drop") response.write(half, () => setTimeout(() => response.destroy(), 20));
    else if (fault === "stall") response.write(half);
    else response.end(body);
  }
}
