// The npm module in projects of webpack, Next and Vite 7, each with its own lock file; only the
// server of Vite 7 is told about the module. The CPU draws with the built-in model.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { serve } from "../../../scripts/serve.mjs";
import { launch } from "../harness/browser.mjs";
import { BY_HAND, byHand, makeProject, seePicture, serveByVite } from "../harness/package.mjs";

/** No adapter, so that the CPU is chosen by itself. */
const browser = await launch({ flags: [] });
after(() => browser.close());

/**
 * Installs a project of this folder and runs a program of its packages.
 * @param {import("node:test").TestContext} t
 * @param {string} name
 */
async function install(t, name) {
  const { project, remove } = await makeProject(join(import.meta.dirname, name));
  t.after(remove);
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  /** @param {string[]} command */
  const run = (...command) =>
    execFileSync(process.execPath, command, { cwd: project, env, stdio: "pipe" });
  return { project, run };
}

/**
 * Serves what was built and looks at it.
 * @param {import("node:test").TestContext} t
 * @param {string} project
 * @param {string} built the folder that the bundler wrote
 */
async function look(t, project, built) {
  const roots = [join(project, built), join(project, "public")];
  const site = await serve({ roots, headers: false });
  t.after(() => site.close());
  const tab = await seePicture(t, browser, site.url);
  assert.deepEqual(await byHand(tab), BY_HAND);
}

test("a project that webpack built draws", async (t) => {
  const { project, run } = await install(t, "webpack");
  run("build.js");
  await cp(join(project, "index.html"), join(project, "dist/index.html"));
  await look(t, project, "dist");
});

for (const bundler of ["turbopack", "webpack"])
  test(`a site that Next built with ${bundler} draws`, async (t) => {
    const { project, run } = await install(t, "next");
    run("node_modules/next/dist/bin/next", "build", `--${bundler}`);
    await look(t, project, "out");
  });

test("a project of Vite 7 draws, built and under its development server", async (t) => {
  const { project, run } = await install(t, "vite7");
  const vite = "node_modules/vite/bin/vite.js";
  run(vite, "build");
  await look(t, project, "dist");
  await seePicture(t, browser, await serveByVite(t, project, vite));
});
