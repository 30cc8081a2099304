// Packs the engine as an npm module: the worker's client, the custom element, the worker as one
// file, the wasm and TypeScript declarations. It is not published; the file is for whoever wants it
// in a project.
//   node scripts/pack.mjs        after scripts/build wrote web/pkg

import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";
import { notices } from "./licences.mjs";

const root = join(import.meta.dirname, "..");
const web = join(root, "web");
const target = process.env["CARGO_TARGET_DIR"] ?? join(root, "target");
const out = join(target, "package");
const folder = join(out, "darkroom");
const tsc = join(root, "node_modules/.bin/tsc");

/** What others import; whatever these import goes with them. */
const ENTRIES = ["engine/client.js", "engine/protocol.js", "darkroom-image.js"];
/** Asked for by address at run time. */
const WASM = "pkg/darkroom_bg.wasm";

/**
 * Runs the compiler over the entries in a folder.
 * @param {string} place
 * @param {string[]} flags
 * @returns {Promise<string>}
 */
async function compile(place, flags) {
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: place,
      outDir: folder,
    },
    files: ENTRIES.map((entry) => join(place, entry)),
  };
  const file = join(out, "tsconfig.json");
  await writeFile(file, JSON.stringify(config));
  try {
    return execFileSync(tsc, ["--project", file, ...flags], { encoding: "utf8" });
  } catch (error) {
    process.stderr.write(String(/** @type {any} */ (error).stdout));
    throw error;
  } finally {
    await rm(file);
  }
}

/** Copies the files that the entries import, at run time or for their types. */
async function copyClosure() {
  const files = (await compile(web, ["--listFilesOnly"])).trim().split("\n");
  for (const file of files) {
    const path = relative(web, file);
    if (path.startsWith("..")) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(file, join(folder, path));
  }
}

/** Fails when what an entry imports at run time is not in the folder. */
async function checkClosure() {
  await build({
    entryPoints: ENTRIES.map((entry) => join(folder, entry)),
    bundle: true,
    format: "esm",
    write: false,
    outdir: out,
    logLevel: "error",
  });
}

/** Bundlers do not look into what a worker imports: it is one file. */
async function bundleWorker() {
  await build({
    entryPoints: [join(root, "scripts/package/worker.js")],
    outfile: join(folder, "engine/worker.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "error",
  });
}

/** What npm reads. */
async function writeAbout() {
  const { version, license } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const about = {
    name: "darkroom",
    version,
    license,
    description: "Stable Diffusion v1.4 on WebGPU, in a worker, and an element that shows it",
    type: "module",
    exports: {
      ".": { types: "./engine/client.d.ts", default: "./engine/client.js" },
      "./element": { types: "./darkroom-image.d.ts", default: "./darkroom-image.js" },
      // For bundlers that have to be told: Engine.workerUrl and Engine.wasmUrl.
      "./worker": { types: "./engine/worker.d.ts", default: "./engine/worker.js" },
      "./wasm": `./${WASM}`,
      "./package.json": "./package.json",
    },
    // The element defines itself.
    sideEffects: ["./darkroom-image.js", "./engine/worker.js"],
  };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
}

await rm(out, { recursive: true, force: true });
await mkdir(join(folder, "pkg"), { recursive: true });
await copyClosure();
// The site's own knows its other workers.
await cp(join(root, "scripts/package/start.js"), join(folder, "engine/start.js"));
await cp(join(web, WASM), join(folder, WASM));
await bundleWorker();
await checkClosure();
await compile(folder, []);
// It is started, not imported.
await writeFile(join(folder, "engine/worker.d.ts"), "export {};\n");
await cp(join(root, "scripts/package/README.md"), join(folder, "README.md"));
for (const file of ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.md"])
  await cp(join(root, file), join(folder, file));
await writeFile(join(folder, "licences.txt"), await notices());
await writeAbout();

const pack = ["pack", "--silent", "--pack-destination", out];
const name = execFileSync("npm", pack, { cwd: folder, encoding: "utf8" }).trim();
const { size } = await stat(join(out, name));
console.log(`   ${join(out, name)}: ${size} bytes`);
