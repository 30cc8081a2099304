// Finds a Chromium and starts it as all page tests want it: headless, WebGPU on SwiftShader, no
// calls home. Run by itself it prints the paths of the browsers that the tests start.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Chromium without its windows: the same engine, and a page is opened in half the time. */
const SHELLS = ["chromium-headless-shell", "chrome-headless-shell"];
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

export const GPU_FLAGS = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-unsafe-swiftshader",
];

const QUIET_FLAGS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-quic",
];

/**
 * A browser's path: the environment's CHROME, or the first found.
 * @param {{ whole?: boolean }} [options] `whole`: with windows, profiles and installed apps
 */
export function browserPath({ whole = false } = {}) {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const names = whole ? NAMES : [...SHELLS, ...NAMES];
  const found = [
    process.env["CHROME"] ?? "",
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...MAC,
  ].find((path) => path && existsSync(path));
  if (!found) throw new Error("No Chromium or Chrome was found; set CHROME to its path.");
  return found;
}

/** @param {{ flags?: string[], whole?: boolean }} [options] `whole` as of browserPath */
export async function launch({ flags = GPU_FLAGS, whole = false } = {}) {
  const { chromium } = await import("playwright-core");
  return chromium.launch({
    executablePath: browserPath({ whole }),
    args: ["--headless=new", ...QUIET_FLAGS, ...flags],
  });
}

/**
 * With a profile on the disk, as people have it, instead of one in memory.
 * @param {string} profile
 */
export async function launchKept(profile) {
  const { chromium } = await import("playwright-core");
  return chromium.launchPersistentContext(profile, {
    executablePath: browserPath({ whole: true }),
    args: ["--headless=new", ...QUIET_FLAGS, ...GPU_FLAGS],
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log([...new Set([browserPath(), browserPath({ whole: true })])].join(" and "));
