// Finds WebKitWebDriver and what it needs, and starts a browser over W3C WebDriver on a display of
// its own. Run by itself it prints the driver's path and WebKit's version.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The system's: one from elsewhere does not have the system's libraries. */
const PYTHON = "/usr/bin/python3";
const BROWSER = join(import.meta.dirname, "browser.py");
const MISSING =
  "WebKitGTK's driver is missing. Install webkit2gtk-driver, xvfb, python3-gi and " +
  "gir1.2-webkit2-4.1.";

/** @param {string} name of a program */
function find(name) {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (!found) throw new Error(MISSING);
  return found;
}

/** The paths of the driver and the display, and WebKit's version. */
export function webkitPaths() {
  const code =
    "import gi; gi.require_version('WebKit2', '4.1'); from gi.repository import WebKit2 as w; " +
    "print(w.get_major_version(), w.get_minor_version(), w.get_micro_version(), sep='.')";
  let version;
  try {
    version = execFileSync(PYTHON, ["-c", code], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch (error) {
    throw new Error(MISSING, { cause: error });
  }
  return { driver: find("WebKitWebDriver"), display: find("Xvfb"), version };
}

/** A display that is not shown. It ends with `close`. */
export async function startDisplay() {
  const words = ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"];
  const display = spawn(webkitPaths().display, words, {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const pipe = /** @type {import("node:stream").Readable} */ (display.stdio[3]);
  const name = await new Promise((done, fail) => {
    display.once("exit", (code) => fail(new Error(`Xvfb ended with ${code} at its start.`)));
    pipe.once("data", (bytes) => done(`:${String(bytes).trim()}`));
  });
  return { name, close: () => void display.kill() };
}

/** A port that is free now. @returns {Promise<number>} */
function freePort() {
  const server = createServer();
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => done(port));
    });
  });
}

/** What a driver says is wrong; `code` is a name of the W3C's. */
export class DriverError extends Error {
  /** @param {{ error: string, message: string }} value @param {string} command */
  constructor({ error, message }, command) {
    super(`${command}: ${error}: ${message}`);
    this.code = error;
  }
}

/** A session of a driver of its own: one browser. */
export class Driver {
  #process;
  #base;
  #session = "";

  /** @param {number} port @param {string} display @param {(line: string) => void} onLine */
  constructor(port, display, onLine) {
    this.#base = `http://127.0.0.1:${port}`;
    this.#process = spawn(webkitPaths().driver, [`--port=${port}`], {
      env: { ...process.env, DISPLAY: display, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      // With its browser it is a group of processes, that ends as one.
      detached: true,
    });
    for (const input of [this.#process.stdout, this.#process.stderr])
      createInterface({ input }).on("line", onLine);
  }

  /**
   * Starts a browser.
   * @param {string} display
   * @param {string[]} words for browser.py
   * @param {(line: string) => void} onLine what the browser and its pages write
   */
  static async start(display, words, onLine) {
    const driver = new Driver(await freePort(), display, onLine);
    try {
      await driver.#ready();
      const browser = { binary: PYTHON, args: [BROWSER, ...words] };
      const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": browser } };
      const { sessionId } = await driver.#request("POST", "/session", { capabilities });
      driver.#session = `/session/${sessionId}`;
    } catch (error) {
      driver.close();
      throw error;
    }
    return driver;
  }

  async #ready() {
    for (let tries = 0; this.#process.exitCode === null && tries < 600; tries++) {
      if (await this.#request("GET", "/status").catch(() => null)) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error("WebKitWebDriver does not answer.");
  }

  /**
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async #request(method, path, body) {
    const text = body && JSON.stringify(body);
    const answer = await fetch(this.#base + path, { method, ...(text ? { body: text } : {}) });
    const { value } = /** @type {any} */ (await answer.json());
    if (!answer.ok) throw new DriverError(value, `${method} ${path}`);
    return value;
  }

  /**
   * A command of the session, by its path.
   * @param {string} path
   * @param {object} [body]
   */
  send(path, body = {}) {
    return this.#request("POST", `${this.#session}/${path}`, body);
  }

  /** @param {string} path */
  get(path) {
    return this.#request("GET", `${this.#session}/${path}`);
  }

  /** Ends the driver with its browser. */
  close() {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { driver, version } = webkitPaths();
  console.log(`${driver} (WebKitGTK ${version})`);
}
