// Dawn's way to this machine's graphics: as it is, or, where only an old lavapipe is found that
// Dawn refuses, through the small driver in lavapipe.c, compiled on the spot.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "webgpu";

const DRIVERS = "/usr/share/vulkan/icd.d";

/** The machine's `navigator.gpu`, with an adapter behind it. */
export async function openGpu() {
  const plain = create([]);
  if (await plain.requestAdapter()) return plain;
  const lavapipe = findLavapipe();
  if (!lavapipe) throw new Error("Dawn finds no graphics adapter; install mesa-vulkan-drivers.");
  const folder = mkdtempSync(join(tmpdir(), "darkroom-lavapipe-"));
  const library = join(folder, "lavapipe.so");
  execFileSync("cc", [
    "-O1",
    "-shared",
    "-fPIC",
    "-o",
    library,
    join(import.meta.dirname, "lavapipe.c"),
    "-ldl",
  ]);
  const driver = {
    file_format_version: "1.0.0",
    ICD: { library_path: library, api_version: "1.3.0" },
  };
  writeFileSync(join(folder, "icd.json"), JSON.stringify(driver));
  Object.assign(process.env, { LAVAPIPE: lavapipe, VK_ICD_FILENAMES: join(folder, "icd.json") });
  const gpu = create([]);
  if (!(await gpu.requestAdapter()))
    throw new Error("Dawn finds no graphics adapter, nor through lavapipe.");
  return gpu;
}

/** The library of Mesa's software driver, from the list of drivers. */
function findLavapipe() {
  const list = readdirSync(DRIVERS).find((name) => name.startsWith("lvp_icd"));
  return list && JSON.parse(readFileSync(join(DRIVERS, list), "utf8")).ICD.library_path;
}
