// A page in WebKit, as far as the tests use Playwright's: Playwright drives only builds of WebKit
// of its own. A browser with one window and a profile of its own; what the page writes, asks for
// and saves comes from its lines.

import { EventEmitter } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Driver, DriverError, startDisplay } from "./driver.mjs";
import { Locator, keyCode } from "./locator.mjs";

/** @typedef {import("./locator.mjs").Patience} Patience */

const POLL_MS = 30;
/** A document that goes away takes its scripts along. */
const GONE = ["javascript error", "no such window", "stale element reference", "unknown error"];

/** What a script gives back; the text of an error. */
const SCRIPT = `const [arg, done] = arguments;
Promise.resolve(arg).then(ACT).then(
  (value) => done({ value: value ?? null }),
  (error) => done({ error: String(error) }));`;

export class WebKitPage extends EventEmitter {
  #display;
  #options;
  #timeout = 30_000;
  #navigation = 30_000;
  /** @type {string[]} */
  #scripts = [];
  /** @type {Driver | null} */
  #driver = null;
  #folder = "";
  keyboard = { press: (/** @type {string} */ key) => this.#press(key) };

  /**
   * @param {string} display
   * @param {{ viewport?: { width: number, height: number } | null, isPrivate?: boolean }} options
   */
  constructor(display, options) {
    super();
    this.#display = display;
    this.#options = options;
  }

  /** @param {Function} script */
  async addInitScript(script) {
    this.#scripts.push(`(${script})();`);
  }

  /** @param {number} timeout */
  setDefaultTimeout(timeout) {
    this.#timeout = timeout;
  }

  /** @param {number} timeout */
  setDefaultNavigationTimeout(timeout) {
    this.#navigation = timeout;
  }

  async #start() {
    const { viewport, isPrivate } = this.#options;
    this.#folder = await mkdtemp(join(tmpdir(), "darkroom-webkit-"));
    const script = join(this.#folder, "script.js");
    await mkdir(join(this.#folder, "data"));
    await writeFile(script, this.#scripts.join("\n"));
    const words = ["--profile", this.#folder, "--script", script];
    if (isPrivate) words.push("--private");
    if (viewport) words.push("--width", `${viewport.width}`, "--height", `${viewport.height}`);
    const driver = await Driver.start(this.#display, words, (line) => this.#hear(line));
    await driver.send("timeouts", { script: this.#timeout, pageLoad: this.#navigation });
    this.#driver = driver;
    return driver;
  }

  /** @param {string} line */
  #hear(line) {
    const [, level, text] = /CONSOLE (?:[A-Z]+ )*?(ERROR|WARN)(?:ING)? (.*)/.exec(line) ?? [];
    const type = level === "ERROR" ? "error" : "warning";
    if (level) this.emit("console", { type: () => type, text: () => text });
    const [, word, rest = ""] = /^(REQUEST|REFUSED|SAVED) (.*)/.exec(line) ?? [];
    // WebKit's console has no line of it.
    if (word === "REFUSED") this.emit("console", { type: () => "error", text: () => rest });
    if (word === "REQUEST" && !/^(blob|data|about):/.test(rest))
      this.emit("request", { url: () => rest });
    if (word === "SAVED")
      this.emit("download", { suggestedFilename: () => basename(rest), path: async () => rest });
  }

  get #running() {
    if (!this.#driver) throw new Error("The page has not been opened.");
    return this.#driver;
  }

  /** @param {string} url */
  async goto(url) {
    await (this.#driver ?? (await this.#start())).send("url", { url });
  }

  async reload() {
    await this.#running.send("refresh");
  }

  async close() {
    this.#driver?.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A command of WebDriver. @param {string} path @param {object} [body] */
  command(path, body) {
    return this.#running.send(path, body);
  }

  /** An answer of WebDriver. @param {string} path */
  asked(path) {
    return this.#running.get(path);
  }

  /**
   * @param {string | Function} act
   * @param {any} [arg]
   */
  evaluate(act, arg) {
    return typeof act === "string" ? this.#statements(act) : this.evaluateText(String(act), arg);
  }

  /** @param {string} text */
  async #statements(text) {
    await this.#running.send("execute/sync", { script: text, args: [] });
  }

  /**
   * @param {string} text of a function
   * @param {any} [arg]
   * @returns {Promise<any>}
   */
  async evaluateText(text, arg) {
    const script = SCRIPT.replace("ACT", () => text);
    const answer = await this.#running.send("execute/async", { script, args: [arg ?? null] });
    const { value, error } = answer;
    if (error) throw new Error(error);
    return value ?? null;
  }

  /**
   * Asks again until there is an answer that is not false.
   * @param {string} what is waited for
   * @param {() => Promise<any>} ask
   * @param {Patience} [patience]
   */
  async until(what, ask, { timeout = this.#timeout } = {}) {
    const end = Date.now() + timeout;
    /** @type {unknown} */
    let last = "";
    for (;;) {
      const answer = await ask().catch((error) => {
        if (!(error instanceof DriverError) || !GONE.includes(error.code)) throw error;
        last = error.message;
      });
      if (answer) return answer;
      if (Date.now() > end) throw new Error(`${timeout} ms were not enough for ${what}. ${last}`);
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  /**
   * @param {Function} act
   * @param {any} [arg]
   * @param {Patience} [patience]
   */
  async waitForFunction(act, arg, patience) {
    const text = String(act);
    const value = await this.until(text, () => this.evaluateText(text, arg), patience);
    return { jsonValue: async () => value };
  }

  /** @param {string} css */
  waitForSelector(css) {
    return this.locator(css).first().waitFor();
  }

  /** @param {RegExp} pattern */
  async waitForURL(pattern) {
    await this.until(String(pattern), async () => pattern.test(await this.asked("url")));
  }

  /** @param {string} name of an event of the page */
  waitForEvent(name) {
    return new Promise((done, fail) => {
      const late = () => fail(new Error(`no ${name} in ${this.#timeout} ms`));
      const timer = setTimeout(late, this.#timeout);
      this.once(name, (value) => {
        clearTimeout(timer);
        done(value);
      });
    });
  }

  /** @param {string} css */
  locator(css) {
    return new Locator(this, [{ css }]);
  }

  /** @param {string} role @param {{ name?: string, exact?: boolean }} [options] */
  getByRole(role, { name, exact } = {}) {
    return new Locator(this, [{ role, ...(name ? { name } : {}), ...(exact ? { exact } : {}) }]);
  }

  /** @param {string} text */
  getByText(text) {
    return new Locator(this, [{ text }]);
  }

  /** Presses keys where the focus is, e.g. "Shift+Tab". @param {string} keys */
  async #press(keys) {
    const names = keys.split("+");
    const last = keyCode(names.pop() ?? "");
    const held = names.map((name) => ({ Control: "\uE009", Shift: "\uE008" })[name] ?? name);
    const down = [...held, last].map((value) => ({ type: "keyDown", value }));
    const up = [last, ...held].map((value) => ({ type: "keyUp", value }));
    const actions = [{ type: "key", id: "keys", actions: [...down, ...up] }];
    await this.command("actions", { actions });
  }
}

/** WebKit on a display of its own; each page has a browser of its own. */
export async function launchWebKit() {
  const display = await startDisplay();
  return {
    newPage: async (/** @type {object} */ options) => new WebKitPage(display.name, options),
    close: async () => display.close(),
  };
}
