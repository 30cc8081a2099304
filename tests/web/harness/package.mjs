// Projects that use the npm module as scripts/pack.mjs packed it, and what is seen in their pages.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PICTURE_MS, ROOT } from "./site.mjs";

/** Where scripts/pack.mjs writes the module, as a folder and as a file. */
export const PACKED = join(process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target"), "package");

/**
 * Makes a project in a temporary folder that has the module and, as public files, the models.
 * @param {string} [from] a folder with package.json and package-lock.json; npm installs these too
 */
export async function makeProject(from) {
  const project = await mkdtemp(join(tmpdir(), "darkroom-project-"));
  if (from) {
    await cp(from, project, { recursive: true });
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    execFileSync("npm", ["ci", ...flags], { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  }
  const into = join(project, "node_modules/darkroom");
  await mkdir(into, { recursive: true });
  const tarball = (await readdir(PACKED)).find((name) => name.endsWith(".tgz"));
  assert.ok(tarball, `${PACKED} has no module; scripts/pack.mjs packs it`);
  execFileSync("tar", ["-xzf", join(PACKED, tarball), "--strip-components=1", "-C", into]);
  await mkdir(join(project, "public"));
  await symlink(join(ROOT, "web/models"), join(project, "public/models"));
  return { project, remove: () => rm(project, { recursive: true }) };
}

/**
 * Starts Vite's development server in a project; resolves to its address.
 * @param {import("node:test").TestContext} t
 * @param {string} project
 * @param {string} vite its program
 */
export async function serveByVite(t, project, vite) {
  const server = spawn(process.execPath, [vite, "--port", "0", "--host", "127.0.0.1"], {
    cwd: project,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  t.after(() => server.kill());
  const address = /http:\/\/127\.0\.0\.1:\d+\//;
  let said = "";
  for await (const part of server.stdout) {
    said += String(part);
    const [url] = address.exec(said) ?? [];
    if (url) return url;
  }
  throw new Error(`Vite's server ended: ${said}`);
}

/**
 * Opens an address and waits for the element's picture, of a red heart. With DARKROOM_SHOTS set to
 * a folder, a screenshot is written there.
 * @param {import("node:test").TestContext} t
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 */
export async function seePicture(t, browser, url) {
  const tab = await browser.newPage();
  t.after(() => tab.close());
  tab.setDefaultTimeout(PICTURE_MS);
  /** @type {string[]} */
  const wrong = [];
  tab.on("console", (message) => {
    // A file that a model may have or not is asked for.
    const maybe = /404|WebGPU|adapter/;
    if (message.type() === "error" && !maybe.test(message.text())) wrong.push(message.text());
  });
  tab.on("pageerror", (error) => wrong.push(error.message));
  await tab.goto(url);
  // Frameworks have alerts of their own.
  const element = tab.locator("darkroom-image");
  const alert = element.getByRole("alert");
  const picture = element.getByRole("img", { name: "a red heart" });
  await picture.or(alert).waitFor();
  if (await alert.isVisible()) assert.fail(`the element says: ${await alert.textContent()}`);
  assert.ok((await colours(tab)) > 16, "the picture shows nothing");
  assert.deepEqual(wrong, []);
  const shots = process.env["DARKROOM_SHOTS"];
  if (shots) await tab.screenshot({ path: join(shots, `${t.name.replace(/\W+/g, "-")}.png`) });
  return tab;
}

/** How many colours the element's file has. @param {import("playwright-core").Page} tab */
function colours(tab) {
  return tab.evaluate(async () => {
    const element = /** @type {any} */ (document.querySelector("darkroom-image"));
    const bitmap = await createImageBitmap(element.png);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

/**
 * Makes a picture with the page's `Engine`, then asks for a wasm and a worker that are not there.
 * @param {import("playwright-core").Page} tab
 */
export function byHand(tab) {
  return tab.evaluate(async () => {
    const { Engine } = /** @type {any} */ (globalThis);
    const engine = new Engine();
    const { device } = await engine.open("/models/demo/");
    const { png } = await engine.generate({ prompt: "a blue moon", seed: "1", steps: 2 });
    engine.dispose();
    const kindOf = async () => {
      const lost = new Engine();
      return lost.open("/models/demo/").catch((/** @type {any} */ error) => error.kind);
    };
    Engine.wasmUrl = "/nowhere.wasm";
    const withoutWasm = await kindOf();
    Engine.wasmUrl = "";
    Engine.workerUrl = "/nowhere.js";
    const withoutWorker = await kindOf();
    Engine.workerUrl = "";
    return { device, drew: png.length > 1000, withoutWasm, withoutWorker };
  });
}

/** What `byHand` gives. */
export const BY_HAND = {
  device: "cpu",
  drew: true,
  withoutWasm: "not_fetched",
  withoutWorker: "crashed",
};
