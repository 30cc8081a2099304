// What the page's files are compared with: SHA-256 without the browser's own, lists of hashes, and
// what differs between two.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { digestOf } from "../../../web/proof/sha256.js";
import { changes, judge, readSums } from "../../../web/proof/sums.js";

test("SHA-256 as the system computes it, of every length around a block", () => {
  const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * i * 31 + (i >> 7)) & 255);
  const lengths = [...Array.from({ length: 200 }, (_, n) => n), 4096, 65_535, 100_003];
  for (const length of lengths)
    for (const start of [0, 3]) {
      const part = bytes.subarray(start, start + length);
      const wanted = createHash("sha256").update(part).digest("hex");
      assert.equal(Buffer.from(digestOf(part)).toString("hex"), wanted, `${length} from ${start}`);
    }
});

const [A, B, C] = ["a".repeat(64), "b".repeat(64), "c".repeat(64)];

test("a list is read whole or not at all", () => {
  const sums = readSums(`${A}  index.html\n${B}  views/about.js\n`);
  assert.deepEqual([...sums], [["index.html", A], ["views/about.js", B]]); // prettier-ignore
  for (const text of ["", "<!doctype html>", `${A} index.html`, `${A}  a b`, `${A.slice(1)}  a`])
    assert.throws(() => readSums(text), SyntaxError, text);
});

test("files that are not as the list says come first, each with its reason", () => {
  const sums = new Map([["a.js", A], ["b.js", B], ["c.js", C]]); // prettier-ignore
  /** @type {[string, string | null][]} */
  const found = [["d.js", A]];
  found.push(["a.js", A], ["b.js", C], ["c.js", null]);
  const rows = judge(sums, found);
  assert.deepEqual(
    rows.map(({ path, verdict }) => `${path} ${verdict}`),
    ["b.js differs", "c.js missing", "d.js unlisted", "a.js same"],
  );
  assert.deepEqual([rows[0]?.wanted, rows[0]?.found], [B, C]);
});

test("changed, new and removed files of two lists", () => {
  const before = new Map([["a.js", A], ["b.js", B], ["c.js", C]]); // prettier-ignore
  const after = new Map([["b.js", C], ["c.js", C], ["d.js", A]]); // prettier-ignore
  assert.deepEqual(changes(before, after), [
    { path: "a.js", old: A, new: null },
    { path: "b.js", old: B, new: C },
    { path: "d.js", old: null, new: A },
  ]);
});
