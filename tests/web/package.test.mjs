// The npm module in other people's projects, as scripts/pack.mjs packed it: built by Vite, under
// its development server, and imported by Node. The CPU draws with the built-in model.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { launch } from "./harness/browser.mjs";
import { PICTURE_MS } from "./harness/site.mjs";

const ROOT = join(import.meta.dirname, "../..");
const PACKED = join(process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target"), "package");
const VITE = join(ROOT, "node_modules/vite/bin/vite.js");
/** No adapter, so that the CPU is chosen by itself. */
const browser = launch({ flags: [] });
const project = await mkdtemp(join(tmpdir(), "darkroom-project-"));
after(async () => {
  await (await browser).close();
  await rm(project, { recursive: true });
});

const readme = await readFile(join(PACKED, "darkroom/README.md"), "utf8");
/** The policy that the module's README says is enough. */
const policy = /^default-src 'none'.*$/m.exec(readme)?.[0] ?? "";
/** What its README says for Vite's development server. */
const config = /^export default \{ optimizeDeps.*$/m.exec(readme)?.[0] ?? "";

const ELEMENT = `<darkroom-image
  model="/models/demo/" prompt="a red heart" steps="2"></darkroom-image>`;

/** @param {string} body @param {string} script @param {string} [head] */
const page = (body, script, head = "") =>
  `<!doctype html><html lang="en"><head><title>Test</title><link rel="icon" href="data:," />` +
  `${head}<script type="module" src="${script}"></script></head><body>${body}</body></html>`;

await mkdir(join(project, "node_modules/darkroom"), { recursive: true });
const [tarball = ""] = (await readdir(PACKED)).filter((name) => name.endsWith(".tgz"));
const into = join(project, "node_modules/darkroom");
execFileSync("tar", ["-xzf", join(PACKED, tarball), "--strip-components=1", "-C", into]);
await mkdir(join(project, "public"));
await symlink(join(ROOT, "web/models"), join(project, "public/models"));
await writeFile(join(project, "package.json"), `{ "type": "module" }`);
await writeFile(join(project, "vite.config.js"), config);
await writeFile(join(project, "index.html"), page(ELEMENT, "/main.js"));
await writeFile(
  join(project, "main.js"),
  `import { Engine } from "darkroom";
import "darkroom/element";
Object.assign(globalThis, { Engine });
`,
);

/**
 * Opens an address and waits for the element's picture.
 * @param {import("node:test").TestContext} t
 * @param {string} url
 */
async function seePicture(t, url) {
  const tab = await (await browser).newPage();
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
  const alert = tab.getByRole("alert");
  const picture = tab.getByRole("img", { name: "a red heart" });
  await picture.or(alert).waitFor();
  if (await alert.isVisible()) assert.fail(`the element says: ${await alert.textContent()}`);
  assert.ok((await colours(tab)) > 16, "the picture shows nothing");
  assert.deepEqual(wrong, []);
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

test("a project that Vite built draws, with the element and by hand", async (t) => {
  execFileSync(process.execPath, [VITE, "build"], { cwd: project, stdio: "pipe" });
  const site = await serve({ roots: [join(project, "dist")], headers: false });
  t.after(() => site.close());
  const tab = await seePicture(t, site.url);
  const { bytes, wasm } = await tab.evaluate(async () => {
    const { Engine } = /** @type {any} */ (globalThis);
    const engine = new Engine();
    await engine.open("/models/demo/");
    const { png } = await engine.generate({ prompt: "a blue moon", seed: "1", steps: 2 });
    engine.dispose();
    Engine.wasmUrl = "/nowhere.wasm";
    const lost = new Engine();
    const wasm = await lost.open("/models/demo/").catch((/** @type {any} */ error) => error.kind);
    return { bytes: png.length, wasm };
  });
  assert.ok(bytes > 1000);
  assert.equal(wasm, "not_fetched", "Engine.wasmUrl is not heard");
});

test("it draws under Vite's development server", async (t) => {
  const server = spawn(process.execPath, [VITE, "--port", "0", "--host", "127.0.0.1"], {
    cwd: project,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  t.after(() => server.kill());
  let said = "";
  for await (const part of server.stdout) {
    said += String(part);
    if (/http:\/\/127\.0\.0\.1:\d+\//.test(said)) break;
  }
  const [url = ""] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
  await seePicture(t, url);
});

/**
 * A page without a bundler, beside the module's files, with a policy in a header.
 * @param {import("node:test").TestContext} t
 * @param {string} policy
 * @param {string} [element]
 */
async function servePage(t, policy, element = ELEMENT) {
  const script = `import { Engine } from "./darkroom/engine/client.js";
Engine.workerUrl = "darkroom/engine/worker.js";
Engine.wasmUrl = "darkroom/pkg/darkroom_bg.wasm";
import "./darkroom/darkroom-image.js";`;
  const roots = [join(ROOT, "web"), PACKED];
  const site = await serve({
    roots,
    headers: false,
    instead: (_, response, path) => {
      // A sandboxed page is of no site, so all its files come from another one.
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Expose-Headers", "Content-Range");
      if (path !== "/page.html" && path !== "/page.js") return false;
      const html = path === "/page.html";
      const type = html ? "text/html" : "text/javascript";
      response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": policy });
      response.end(html ? page(element, "page.js").replace(/<link[^>]*>/, "") : script);
      return true;
    },
  });
  t.after(() => site.close());
  return `${site.url}page.html`;
}

test("it draws under exactly the policy of its README", async (t) => {
  assert.match(policy, /worker-src/);
  await seePicture(t, await servePage(t, policy));
});

test("it draws under the policy of the project's README", async (t) => {
  const text = await readFile(join(ROOT, "docs/embedding.md"), "utf8");
  const own = /^script-src .*$/m.exec(text)?.[0] ?? "";
  assert.match(own, /worker-src 'self' blob:/);
  await seePicture(t, await servePage(t, `default-src 'none'; ${own}`));
});

test("a model of another site needs the README's headers; else they are named", async (t) => {
  assert.match(readme, /Access-Control-Expose-Headers: Content-Range/);
  for (const exposed of [true, false]) {
    const other = await serve({
      roots: [join(ROOT, "web")],
      instead: (_, response) => {
        response.setHeader("Access-Control-Allow-Origin", "*");
        if (exposed) response.setHeader("Access-Control-Expose-Headers", "Content-Range");
        return false;
      },
    });
    t.after(() => other.close());
    const wider = policy.replace("connect-src", `connect-src ${new URL(other.url).origin}`);
    const element = ELEMENT.replace("/models/", `${other.url}models/`);
    const url = await servePage(t, wider, element);
    if (exposed) {
      await seePicture(t, url);
      continue;
    }
    const tab = await (await browser).newPage();
    t.after(() => tab.close());
    await tab.goto(url);
    const alert = tab.getByRole("alert");
    const headers = /Access-Control-Allow-Origin and Access-Control-Expose-Headers: Content-Range/;
    const both = alert.filter({ hasText: headers }).filter({ hasText: "has no Content-Range" });
    await both.waitFor({ timeout: 60_000 });
  }
});

test("the element keeps its picture's place, and fills its column when told to", async (t) => {
  const tab = await (await browser).newPage();
  t.after(() => tab.close());
  await tab.goto(await servePage(t, policy, ""));
  assert.match(readme, /darkroom-image \{ width: 100% \}/);
  const sizes = await tab.evaluate(() => {
    const column = document.createElement("div");
    column.style.width = "600px";
    document.body.append(column);
    const one = document.createElement("darkroom-image");
    column.append(one);
    const size = () => {
      const { width, height } = one.getBoundingClientRect();
      return [Math.round(width), Math.round(height)];
    };
    const plain = size();
    one.setAttribute("width", "512");
    one.setAttribute("height", "768");
    const shaped = size();
    one.style.width = "100%";
    return [plain, shaped, size()];
  });
  assert.deepEqual(sizes, [
    [256, 256],
    [256, 384],
    [600, 900],
  ]);
});

test("it draws in a sandboxed page, which is refused locks", async (t) => {
  const tab = await seePicture(t, await servePage(t, "sandbox allow-scripts"));
  const refused = tab.evaluate(() => navigator.locks.request("one", () => "granted"));
  await assert.rejects(refused, /SecurityError|LockManager/);
});

test("an error in the element names no button of ours", async (t) => {
  const tab = await (await browser).newPage();
  t.after(() => tab.close());
  const wrong = policy.replace("worker-src 'self' blob:", "worker-src 'none'");
  await tab.goto(await servePage(t, wrong));
  const alert = tab.getByRole("alert");
  await alert.filter({ hasText: "a security policy stops its worker" }).waitFor();
  assert.doesNotMatch((await alert.textContent()) ?? "", /Generate/);
});

test("an element that moves keeps its picture; the last one ends the worker", async (t) => {
  const second = ELEMENT.replace("a red heart", "a blue moon");
  const tab = await seePicture(t, await servePage(t, policy, ELEMENT + second));
  await tab.getByRole("img", { name: "a blue moon" }).waitFor();
  const engines = () => tab.workers().length;
  assert.equal(engines(), 1, "the elements share no engine");
  const seen = await tab.evaluate(async () => {
    const [one, two] = /** @type {any[]} */ ([...document.querySelectorAll("darkroom-image")]);
    const image = one.shadowRoot.querySelector("img");
    const url = image.src;
    let started = 0;
    one.addEventListener("progress", () => started++);
    document.body.append(one);
    await new Promise((done) => setTimeout(done, 500));
    const moved = { same: image.src === url, started };
    one.remove();
    await Promise.resolve();
    const revoked = await Object.assign(new Image(), { src: url })
      .decode()
      .then(
        () => false,
        () => true,
      );
    const left = image.hasAttribute("src");
    document.body.append(one);
    await image.decode();
    const again = { started, shown: image.naturalWidth > 0 };
    one.remove();
    two.setAttribute("steps", "200");
    const progress = new Promise((done) => two.addEventListener("progress", done, { once: true }));
    await progress;
    two.remove();
    return { moved, revoked, left, again };
  });
  assert.deepEqual(seen, {
    moved: { same: true, started: 0 },
    revoked: true,
    left: false,
    again: { started: 0, shown: true },
  });
  for (let tries = 0; engines() && tries < 50; tries++) await tab.waitForTimeout(100);
  assert.equal(engines(), 0, "the worker goes on without an element");
});

test("an element without a model says that it needs one", async (t) => {
  const tab = await (await browser).newPage();
  t.after(() => tab.close());
  const site = await serve({ roots: [join(project, "dist")], headers: false });
  t.after(() => site.close());
  await tab.goto(site.url);
  await tab.evaluate(() => {
    document.body.innerHTML = `<darkroom-image prompt="a red heart"></darkroom-image>`;
  });
  await tab.getByRole("alert").filter({ hasText: "The attribute model is required" }).waitFor();
});

test("Node imports the client and the element", () => {
  const script = `
    const { Engine } = await import("darkroom");
    const { DarkroomImage } = await import("darkroom/element");
    console.log(typeof Engine, typeof DarkroomImage);`;
  const arguments_ = ["--input-type=module", "--eval", script];
  const said = execFileSync(process.execPath, arguments_, { cwd: project, encoding: "utf8" });
  assert.equal(said.trim(), "function function");
});
