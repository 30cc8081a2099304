// Packs the engine as an npm module: the worker's client, the custom element, the wasm and their
// TypeScript declarations. It is not published; the file is for whoever wants it in a project.
//   node scripts/pack.mjs        after scripts/build wrote web/pkg

import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { notices } from "./licences.mjs";

const root = join(import.meta.dirname, "..");
const target = process.env["CARGO_TARGET_DIR"] ?? join(root, "target");
const out = join(target, "package");
const folder = join(out, "darkroom");

await rm(out, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
// Its sentences speak of the store's events as well, so their types are part of it.
const parts = [
  "engine",
  "tab/turn.js",
  "store/protocol.js",
  "pkg",
  "darkroom-image.js",
  "strings.js",
];
for (const part of parts)
  await cp(join(root, "web", part), join(folder, part), {
    recursive: true,
    filter: (path) => !path.includes("/pkg/."),
  });
for (const file of ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.md"])
  await cp(join(root, file), join(folder, file));
await writeFile(join(folder, "licences.txt"), await notices());

const { version, license } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const exports = {
  ".": { types: "./engine/client.d.ts", default: "./engine/client.js" },
  "./element": { types: "./darkroom-image.d.ts", default: "./darkroom-image.js" },
};
const about = {
  name: "darkroom",
  version,
  license,
  description: "Stable Diffusion v1.4 on WebGPU, in a worker, and an element that shows it",
  type: "module",
  exports,
  // The element defines itself.
  sideEffects: ["./darkroom-image.js"],
};
await writeFile(join(folder, "package.json"), `${JSON.stringify(about, null, 2)}\n`);

const config = {
  extends: join(root, "tsconfig.base.json"),
  compilerOptions: {
    lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: folder,
    outDir: folder,
  },
  files: ["engine/client.js", "engine/protocol.js", "darkroom-image.js"],
};
await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
const tsc = join(root, "node_modules/.bin/tsc");
execFileSync(tsc, ["--project", join(folder, "tsconfig.json")], { stdio: "inherit" });
await rm(join(folder, "tsconfig.json"));

const pack = ["pack", "--silent", "--pack-destination", out];
const name = execFileSync("npm", pack, { cwd: folder, encoding: "utf8" }).trim();
const { size } = await stat(join(out, name));
console.log(`   ${join(out, name)}: ${size} bytes`);
