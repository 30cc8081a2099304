// Copies what is served from web/ to dist/, and prints the wasm's size; fails when it is beyond its
// bound.

import { cp, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");

/** Bytes of the compressed wasm that a first visit may cost. */
const GZIP_MAX = 2_000_000;

await rm(join(root, "dist"), { recursive: true, force: true });
await cp(join(root, "web"), join(root, "dist"), {
  recursive: true,
  filter: (path) => !path.endsWith(".d.ts") && !basename(path).startsWith("."),
});

const wasm = await readFile(join(root, "dist/pkg/darkroom_bg.wasm"));
const gzip = gzipSync(wasm, { level: 9 }).length;
console.log(`   wasm: ${wasm.length} bytes, ${gzip} gzipped (at most ${GZIP_MAX})`);
if (gzip > GZIP_MAX) {
  console.error("ERROR: the wasm has grown beyond its bound.");
  process.exit(1);
}
