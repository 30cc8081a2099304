// Finds a Firefox and starts it headless, over WebDriver BiDi, with WebGPU on Mesa's lavapipe. Run
// by itself it prints the browser's path.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const NAMES = ["firefox-esr", "firefox"];
const MAC = "/Applications/Firefox.app/Contents/MacOS/firefox";

const PREFERENCES = {
  // Off on Linux, and blocked where there is no graphics card.
  "dom.webgpu.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
  // It takes the keys from the page.
  "browser.download.alwaysOpenPanel": false,
};

/** A browser's path: the environment's FIREFOX, or the first found. */
export function firefoxPath() {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const named = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const all = [process.env["FIREFOX"] ?? "", ...named, MAC];
  const found = all.find((path) => path && existsSync(path));
  if (!found)
    throw new Error("No Firefox was found. Install firefox-esr, or set FIREFOX to its path.");
  return found;
}

/** @returns {Promise<import("playwright-core").Browser>} */
export async function launchFirefox() {
  const { firefox } = await import("playwright-core");
  const browser = await firefox.launch({
    // The one that is installed: without this, Playwright wants a build of its own.
    channel: "moz-firefox",
    executablePath: firefoxPath(),
    firefoxUserPrefs: PREFERENCES,
    // Also beside a graphics card, so that every machine computes the same.
    env: { ...process.env, VK_LOADER_DRIVERS_SELECT: "*lvp*" },
  });
  translate(browser);
  return browser;
}

/**
 * Where Playwright and this Firefox do not speak the same WebDriver BiDi yet. Playwright sets the
 * colour scheme of every page by a command that Firefox does not know: no test here asks for
 * another than the browser's. And it knows downloads by a number, which Firefox does not give to a
 * link's.
 * @param {import("playwright-core").Browser} browser
 */
function translate(browser) {
  const { _browserSession } = /** @type {any} */ (browser)._connection.toImpl(browser);
  const transport = _browserSession.connection._transport;
  const send = transport.send.bind(transport);
  const receive = transport.onmessage;
  transport.send = (/** @type {{ id: number, method: string }} */ message) => {
    const { id, method } = message;
    if (method !== "emulation.setMediaFeaturesOverride") return send(message);
    queueMicrotask(() => receive({ type: "success", id, result: {} }));
  };
  transport.onmessage = (/** @type {{ method?: string, params: any }} */ message) => {
    if (message.method?.startsWith("browsingContext.download"))
      message.params.navigation ??= message.params.url;
    receive(message);
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(firefoxPath());
