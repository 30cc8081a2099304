// Serves the site, opens it in a browser and watches it: a console error, a broken rule of the
// security policy or an exception that a test did not expect fails that test.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after } from "node:test";
import { serve } from "../../../scripts/serve.mjs";
import { launch } from "./browser.mjs";
import { launchFirefox } from "./firefox.mjs";
import { QUIET_MS, followStates, recordStates } from "./states.mjs";
import { launchWebKit } from "./webkit/page.mjs";

export const ROOT = join(import.meta.dirname, "../../..");

/** The site as it is built, and the page with a double in the engine's place. */
export const SITE = join(ROOT, "dist");
export const DOUBLE = [join(ROOT, "tests/web/double"), join(ROOT, "web")];

/**
 * How long a picture of the built-in model may take on a slow machine's software adapter. A test
 * gives up much sooner when the page stands still.
 */
export const PICTURE_MS = 600_000;

/** Browsers by their flags; a test has a profile of its own, but not a process. */
const browsers = new Map();
after(async () => {
  for (const browser of browsers.values()) await (await browser).close();
});

/**
 * A browser, started once.
 * @param {Pick<Visit, "flags" | "whole" | "engine">} wanted
 * @returns {Promise<import("playwright-core").Browser>}
 */
function browserOf({ flags, whole, engine }) {
  const key = JSON.stringify([flags, whole, engine]);
  if (!browsers.has(key)) {
    if (engine === "firefox") browsers.set(key, launchFirefox());
    else if (engine === "webkit") browsers.set(key, launchWebKit());
    else browsers.set(key, launch({ flags, whole }));
  }
  return browsers.get(key);
}

/**
 * @typedef {object} Visit
 * @property {string} [hash] options in the address
 * @property {"webgpu" | "cpu"} [device] who must compute; the address asks for it, unless it names
 * another wish
 * @property {Partial<import("../../../scripts/serve.mjs").Options>} [server]
 * @property {string[]} [flags] for the browser
 * @property {boolean} [whole] whether it must be the browser with its windows
 * @property {"chromium" | "firefox" | "webkit"} [engine] the browser
 * @property {boolean} [isPrivate] whether WebKit keeps nothing, as in a private window
 * @property {string} [host] a name of this machine, instead of the address that browsers trust
 * @property {number} [patience] milliseconds to wait for a state, as long as the page goes on
 * @property {() => void} [before] runs in the page before its own scripts
 * @property {RegExp} [expected] console errors that belong to the test
 * @property {import("playwright-core").BrowserContextOptions} [context]
 */

/**
 * Opens the page; everything is closed, and the console judged, at the test's end.
 * @param {import("node:test").TestContext} t
 * @param {Visit} [visit]
 */
export async function visit(
  t,
  {
    hash = "",
    device = "webgpu",
    server = {},
    host,
    flags,
    whole,
    engine = "chromium",
    isPrivate = false,
    before,
    expected,
    patience = PICTURE_MS,
    context = {},
  } = {},
) {
  /** @type {string[]} */
  const asked = [];
  const instead = (/** @type {import("node:http").IncomingMessage} */ request) => {
    asked.push(`${request.method} ${request.url}`);
    return false;
  };
  const site = await serve({ roots: [SITE], instead, ...server });
  // Files are asked for by name, and nothing is told: no prompt, no seed, nothing.
  t.after(() =>
    assert.deepEqual(
      asked.filter((one) => !/^(GET|HEAD) [^?]*$/.test(one)),
      [],
    ),
  );
  const browser = await browserOf({ flags, whole, engine });
  const viewport = { width: 1200, height: 900 };
  const own = engine === "webkit" ? { isPrivate } : {};
  const page = await browser.newPage({ viewport, ...own, ...context });
  // The page first: it may still ask the site for something.
  t.after(() => page.close());
  t.after(() => site.close());
  /** @type {string[]} */
  const errors = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  t.after(() => {
    const surprises = errors.filter((text) => !expected?.test(text));
    assert.deepEqual(surprises, [], "the console has errors");
  });
  const url = new URL(site.url);
  if (host) url.hostname = host;
  page.on("request", (request) => {
    const { origin } = new URL(request.url());
    if (origin !== url.origin) errors.push(`asked elsewhere: ${request.url()}`);
  });
  if (before) await page.addInitScript(before);
  await page.addInitScript(recordStates);
  page.setDefaultTimeout(QUIET_MS);
  // The first page of a browser that has just begun waits for it: on two busy cores, for minutes.
  page.setDefaultNavigationTimeout(3 * QUIET_MS);
  const wish = /[#&]device=/.test(hash) ? hash : `${hash || "#"}&device=${device}`;
  await page.goto(url + wish);
  return { page, site, ...controls(page, device, patience) };
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} device who must compute
 * @param {number} patience milliseconds
 */
function controls(page, device, patience) {
  const alert = page.getByRole("alert");
  const generate = page.getByRole("button", { name: "Generate" });
  const cancel = page.getByRole("button", { name: "Cancel" });
  const states = followStates(page, patience, sentence);

  /** What the page says is wrong, if it says so. */
  async function sentence() {
    return (await alert.textContent({ timeout: 2000 }).catch(() => null)) ?? "nothing";
  }

  /**
   * Waits for a state of the page; an error that was not waited for ends the test with its
   * sentence.
   * @param {import("./states.mjs").State} name
   */
  async function state(name) {
    await states.state(name);
    if (name === "ready") await onDevice();
  }

  /** Fails when another device computes than the test is about. */
  async function onDevice() {
    const found = await page.evaluate(() => document.documentElement.dataset["device"]);
    assert.equal(found, device, "another device computes");
  }

  /** Waits until a step has been done. */
  async function stepping() {
    const text = page.locator("#progress-text").filter({ hasText: /Step [1-9]/ });
    await text.or(alert.filter({ visible: true })).waitFor();
    if (await alert.isVisible()) assert.fail(`the page says: ${await sentence()}`);
  }

  /** What the page says is wrong, once it does. */
  async function complaint() {
    await page.waitForSelector("#fault:not([hidden])");
    return (await alert.textContent()) ?? "";
  }

  /** @param {Record<string, string>} fields values by name */
  async function type(fields) {
    for (const [name, value] of Object.entries(fields)) {
      const field = page.locator(`[name="${name}"]`);
      if ((await field.evaluate((element) => element.tagName)) === "SELECT")
        await field.selectOption(value);
      else await field.fill(value);
    }
  }

  /** The picture on the canvas. */
  async function pixels() {
    const { width, height, bytes } = await page.evaluate(() => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("canvas"));
      const { width, height } = canvas;
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return { width, height, bytes: Array.from(context.getImageData(0, 0, width, height).data) };
    });
    return { width, height, bytes: Buffer.from(bytes) };
  }

  /**
   * Fills in the form, generates, and waits for the picture.
   * @param {Record<string, string>} fields values by name
   */
  async function make(fields) {
    await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
    await type(fields);
    await states.seen();
    // By its key: on a busy machine a sentence that comes late moves the button under the mouse.
    await generate.and(page.locator(":enabled")).press("Enter");
    await states.ended();
    if (await alert.isVisible()) assert.fail(`the page says: ${await sentence()}`);
    await onDevice();
    return pixels();
  }

  /**
   * Presses Cancel, and fails unless the page is ready again after so many milliseconds of its own
   * timers: where the machine is busy these come late, and so does what they are compared with.
   * @param {number} limit
   */
  async function cancelWithin(limit) {
    const after = page.evaluate((limit) => {
      const root = document.documentElement;
      const look = (/** @type {(state: unknown) => void} */ done) => () =>
        setTimeout(() => done(root.dataset["state"]), limit);
      // Before the page's own handler, so that what that takes counts.
      const first = { once: true, capture: true };
      return new Promise((done) =>
        document.getElementById("cancel")?.addEventListener("click", look(done), first),
      );
    }, limit);
    await cancel.click();
    assert.equal(await after, "ready", `after ${limit} ms`);
    await state("ready");
  }

  const { patiently } = states;
  const acts = { type, make, cancelWithin, patiently };
  return { state, stepping, generate, cancel, alert, complaint, pixels, ...acts };
}

/**
 * Whether a picture shows something: more than one colour, and no transparent pixel.
 * @param {{ bytes: Buffer }} picture
 */
export function assertPicture({ bytes }) {
  const colours = new Set();
  for (let i = 0; i < bytes.length; i += 4) {
    assert.equal(bytes[i + 3], 255, "a transparent pixel");
    colours.add(bytes.readUInt32LE(i));
  }
  assert.ok(colours.size > 16, `only ${colours.size} colours`);
}
