// Joins the results of a list and compares them with it: every line once, every picture as its hash
// says. Prints how many ended in each way.
//
//   node scripts/schedulers/joined.mjs LIST.jsonl FOLDER

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [list, folder] = process.argv.slice(2);
if (!list || !folder) throw new Error("node scripts/schedulers/joined.mjs LIST.jsonl FOLDER");

const lines = readFileSync(list, "utf8").trimEnd().split("\n").length;
/** @type {Map<number, { status: string, file?: string, sha256?: string }>} */
const found = new Map();
for (const name of readdirSync(folder).filter((one) => /^results.*\.jsonl$/.test(one))) {
  for (const text of readFileSync(join(folder, name), "utf8").trimEnd().split("\n")) {
    const entry = JSON.parse(text);
    if (found.has(entry.line)) throw new Error(`line ${entry.line} is there twice`);
    found.set(entry.line, entry);
  }
}
/** @type {Record<string, number>} */
const counts = {};
for (let line = 1; line <= lines; line++) {
  const entry = found.get(line);
  if (!entry) throw new Error(`line ${line} is missing`);
  counts[entry.status] = (counts[entry.status] ?? 0) + 1;
  if (entry.status === "failed") continue;
  const bytes = readFileSync(join(folder, entry.file ?? ""));
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== entry.sha256) throw new Error(`${entry.file} is not what line ${line} says`);
}
const parts = readdirSync(folder).filter((name) => name.endsWith(".png")).length;
console.log(`${lines} lines: ${JSON.stringify(counts)}, ${parts} pictures`);
