// Joins the results of a list and compares them with it: every line once, every picture as its hash
// says. Prints how many ended in each way.
//
//   node scripts/schedulers/joined.mjs [--once] LIST.jsonl PICTURES [RESULTS]
//
// RESULTS is the folder with the results, where it is another. Where a request has several lines,
// the last one counts; with --once a picture that is told twice is a fault.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { once: { type: "boolean" } },
  allowPositionals: true,
});
const [list, folder, results = folder] = positionals;
if (!list || !folder || !results)
  throw new Error("node scripts/schedulers/joined.mjs [--once] LIST.jsonl PICTURES [RESULTS]");

const all = readFileSync(list, "utf8").split("\n");
const lines = all.flatMap((line, at) => (line.trim() ? [at + 1] : []));
/** @type {Map<number, { status: string, file?: string, sha256?: string }>} */
const found = new Map();
/** How many lines say that a picture was made or was there. @type {Map<number, number>} */
const told = new Map();
for (const name of readdirSync(results).filter((one) => /^results.*\.jsonl$/.test(one))) {
  for (const text of readFileSync(join(results, name), "utf8").split("\n")) {
    const entry = read(text);
    if (!entry) continue;
    found.set(entry.line, entry);
    if (entry.status !== "failed") told.set(entry.line, (told.get(entry.line) ?? 0) + 1);
  }
}
for (const [line, times] of told)
  if (values.once && times > 1) throw new Error(`a picture of line ${line} is told ${times} times`);
/** @type {Record<string, number>} */
const counts = {};
for (const line of lines) {
  const entry = found.get(line);
  if (!entry) throw new Error(`line ${line} is missing`);
  counts[entry.status] = (counts[entry.status] ?? 0) + 1;
  if (entry.status === "failed") continue;
  const bytes = readFileSync(join(folder, entry.file ?? ""));
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== entry.sha256) throw new Error(`${entry.file} is not what line ${line} says`);
}
const parts = readdirSync(folder).filter((name) => name.endsWith(".png")).length;
console.log(`${lines.length} lines: ${JSON.stringify(counts)}, ${parts} pictures`);

/**
 * An entry, unless its line was cut off: the machine stopped, or the disk was full.
 * @param {string} text
 */
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
