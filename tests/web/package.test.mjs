// The npm module in other people's projects, as scripts/pack.mjs packed it: built by Vite, under
// its development server, in a page without a bundler, and imported by Node. The CPU draws with the
// built-in model.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { build } from "esbuild";
import { serve } from "../../scripts/serve.mjs";
import { launch } from "./harness/browser.mjs";
import {
  BY_HAND,
  byHand,
  makeProject,
  PACKED,
  seePicture,
  serveByVite,
} from "./harness/package.mjs";
import { ROOT } from "./harness/site.mjs";

const VITE = join(ROOT, "node_modules/vite/bin/vite.js");
/** No adapter, so that the CPU is chosen by itself. */
const browser = await launch({ flags: [] });
const { project, remove } = await makeProject();
after(async () => {
  await browser.close();
  await remove();
});

const readme = await readFile(join(PACKED, "darkroom/README.md"), "utf8");
/** The policy that the module's README says is enough. */
const policy = /^default-src 'none'.*$/m.exec(readme)?.[0] ?? "";

const ELEMENT = `<darkroom-image
  model="/models/demo/" prompt="a red heart" steps="2"></darkroom-image>`;

/** @param {string} body @param {string} script @param {string} [head] */
const page = (body, script, head = "") =>
  `<!doctype html><html lang="en"><head><title>Test</title><link rel="icon" href="data:," />` +
  `${head}<script type="module" src="${script}"></script></head><body>${body}</body></html>`;

await writeFile(join(project, "package.json"), `{ "type": "module" }`);
await writeFile(join(project, "index.html"), page(ELEMENT, "/main.js"));
await writeFile(
  join(project, "main.js"),
  `import { Engine } from "darkroom";
import "darkroom/element";
Object.assign(globalThis, { Engine });
`,
);

test("a project that Vite built draws, with the element and by hand", async (t) => {
  execFileSync(process.execPath, [VITE, "build"], { cwd: project, stdio: "pipe" });
  const site = await serve({ roots: [join(project, "dist")], headers: false });
  t.after(() => site.close());
  const tab = await seePicture(t, browser, site.url);
  assert.deepEqual(await byHand(tab), BY_HAND);
});

test("it draws under Vite's development server", async (t) => {
  await seePicture(t, browser, await serveByVite(t, project, VITE));
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

test("a page without a bundler draws, with an import map", async (t) => {
  const imports = {
    darkroom: "/darkroom/engine/client.js",
    "darkroom/element": "/darkroom/darkroom-image.js",
  };
  const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  await writeFile(join(project, "map.html"), page(ELEMENT, "/main.js", map));
  const roots = [project, join(project, "public"), join(project, "node_modules")];
  const site = await serve({ roots, headers: false });
  t.after(() => site.close());
  const tab = await seePicture(t, browser, `${site.url}map.html`);
  assert.deepEqual(await byHand(tab), BY_HAND);
});

test("esbuild leaves both files behind: they are named, and come from another site", async (t) => {
  const files = await serve({
    roots: [join(PACKED, "darkroom")],
    headers: false,
    instead: (_, response) => {
      response.setHeader("Access-Control-Allow-Origin", "*");
      return false;
    },
  });
  t.after(() => files.close());
  const main = await readFile(join(project, "main.js"), "utf8");
  const contents = `${main}
Engine.workerUrl = "${files.url}engine/worker.js";
Engine.wasmUrl = "${files.url}pkg/darkroom_bg.wasm";
`;
  await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    format: "esm",
    outfile: join(project, "esbuild/bundle.js"),
    logLevel: "error",
  });
  await writeFile(join(project, "esbuild/index.html"), page(ELEMENT, "bundle.js"));
  const roots = [join(project, "esbuild"), join(project, "public")];
  const site = await serve({ roots, headers: false });
  t.after(() => site.close());
  const tab = await seePicture(t, browser, site.url);
  assert.deepEqual(await byHand(tab), BY_HAND);
});

test("it draws under exactly the policy of its README", async (t) => {
  assert.match(policy, /worker-src/);
  await seePicture(t, browser, await servePage(t, policy));
});

test("it draws under the policy of the project's README", async (t) => {
  const text = await readFile(join(ROOT, "docs/embedding.md"), "utf8");
  const own = /^script-src .*$/m.exec(text)?.[0] ?? "";
  assert.match(own, /worker-src 'self' blob:/);
  await seePicture(t, browser, await servePage(t, `default-src 'none'; ${own}`));
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
      await seePicture(t, browser, url);
      continue;
    }
    const tab = await browser.newPage();
    t.after(() => tab.close());
    await tab.goto(url);
    const alert = tab.getByRole("alert");
    const headers = /Access-Control-Allow-Origin and Access-Control-Expose-Headers: Content-Range/;
    const both = alert.filter({ hasText: headers }).filter({ hasText: "has no Content-Range" });
    await both.waitFor({ timeout: 60_000 });
  }
});

test("the element keeps its picture's place, and fills its column when told to", async (t) => {
  const tab = await browser.newPage();
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
  const tab = await seePicture(t, browser, await servePage(t, "sandbox allow-scripts"));
  const refused = tab.evaluate(() => navigator.locks.request("one", () => "granted"));
  await assert.rejects(refused, /SecurityError|LockManager/);
});

test("an error in the element names no button of ours", async (t) => {
  const tab = await browser.newPage();
  t.after(() => tab.close());
  const wrong = policy.replace("worker-src 'self' blob:", "worker-src 'none'");
  await tab.goto(await servePage(t, wrong));
  const alert = tab.getByRole("alert");
  await alert.filter({ hasText: "a security policy stops its worker" }).waitFor();
  assert.doesNotMatch((await alert.textContent()) ?? "", /Generate/);
});

test("an element that moves keeps its picture; the last one ends the worker", async (t) => {
  const second = ELEMENT.replace("a red heart", "a blue moon");
  const tab = await seePicture(t, browser, await servePage(t, policy, ELEMENT + second));
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
  const tab = await browser.newPage();
  t.after(() => tab.close());
  const site = await serve({ roots: [join(project, "dist")], headers: false });
  t.after(() => site.close());
  await tab.goto(site.url);
  await tab.evaluate(() => {
    document.body.innerHTML = `<darkroom-image prompt="a red heart"></darkroom-image>`;
  });
  await tab.getByRole("alert").filter({ hasText: "The attribute model is required" }).waitFor();
});

test("Node imports the client and the element, and is told that the engine is not for it", () => {
  const script = `
    const { Engine, EngineError } = await import("darkroom");
    const { DarkroomImage } = await import("darkroom/element");
    console.log(typeof Engine, typeof DarkroomImage);
    const error = await new Engine().open("models/demo/").catch((error) => error);
    console.log(error instanceof EngineError, error.kind, error.message);`;
  const arguments_ = ["--input-type=module", "--eval", script];
  const said = execFileSync(process.execPath, arguments_, { cwd: project, encoding: "utf8" });
  const [imported, called] = said.trim().split("\n");
  assert.equal(imported, "function function");
  assert.match(called ?? "", /^true no_browser The engine runs in browsers only/);
});
