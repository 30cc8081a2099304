// A list of 10,000 requests, by the native program on the CPU with a tiny model: how soon the first
// image is there, whether memory grows, and what is lost when the process is killed. Prints a table
// in Markdown, which is kept in docs/measured/volume.md.
//   node scripts/bench/volume.mjs [PROGRAM]        target/release/darkroom when left out

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const program = process.argv[2] ?? join(import.meta.dirname, "../../target/release/darkroom");
const LINES = 10_000;
/** At how many images memory is read; at the last one the process is killed. */
const READ_AT = [100, 500, 1000, 2000];

const folder = await mkdtemp(join(tmpdir(), "darkroom-volume-"));
const inside = (/** @type {string} */ name) => join(folder, name);
const [model, list, out] = [inside("model"), inside("list.jsonl"), inside("out")];
const results = inside("results.jsonl");

/** The lines of the results. */
const told = async () => (await readFile(results, "utf8").catch(() => "")).split("\n").slice(0, -1);

/** Waits for so many lines of the results. @param {number} count */
async function until(count) {
  while ((await told()).length < count) await pause(5);
}

/** A run of the list, as it is begun. */
function begin() {
  const words = ["--model", model, "--device", "cpu", "--jobs", list, "--out-dir", out];
  const child = spawn(program, ["generate", ...words, "--results", results], { stdio: "ignore" });
  return { child, ended: once(child, "exit") };
}

/** Memory in kB. @param {import("node:child_process").ChildProcess} child */
async function memory(child) {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

/** @type {[string, string][]} */
const rows = [];
try {
  spawnSync(program, ["synth", "--config", "tiny", "--seed", "1", "--out", model]);
  const line = (/** @type {number} */ seed) => JSON.stringify({ prompt: "a cat", seed, steps: 4 });
  await writeFile(list, Array.from({ length: LINES }, (_, seed) => line(seed)).join("\n"));

  const start = performance.now();
  const first = begin();
  await until(1);
  rows.push(["first image after", `${((performance.now() - start) / 1000).toFixed(2)} s`]);
  for (const count of READ_AT) {
    await until(count);
    rows.push([
      `memory at ${count} images`,
      `${((await memory(first.child)) / 1000).toFixed(1)} MB`,
    ]);
  }
  first.child.kill("SIGKILL");
  await first.ended;
  const [images, lines] = [
    (await readdir(out)).filter((name) => name.endsWith(".png")),
    await told(),
  ];
  rows.push(["killed: images, lines of results", `${images.length}, ${lines.length}`]);

  const again = performance.now();
  const second = begin();
  await until(lines.length + 10);
  rows.push([
    "again: ten more images after",
    `${((performance.now() - again) / 1000).toFixed(2)} s`,
  ]);
  second.child.kill("SIGTERM");
  rows.push(["SIGTERM ends it with", String((await second.ended)[0])]);
  const made = (await told()).map((text) => JSON.parse(text));
  const twice = made.length - new Set(made.map((one) => one.line)).size;
  rows.push(["lines told twice", String(twice)]);
  if (twice) throw new Error("a line is told twice");
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log("| 10,000 lines, tiny model, CPU | |\n|---|---:|");
for (const [what, value] of rows) console.log(`| ${what} | ${value} |`);
