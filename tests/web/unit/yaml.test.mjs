// The part of YAML that collections of wildcard lists are written in: what is read, what is a fault
// and in which line, and that hostile files cost little.

import assert from "node:assert/strict";
import test from "node:test";
import { readYaml } from "../../../web/batch/yaml.js";

/** Maps as objects, to be compared. @param {any} value @returns {any} */
const plain = (value) =>
  value instanceof Map
    ? Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]))
    : value;
const read = (/** @type {string} */ file) => plain(readYaml(file));

test("maps of maps and of lists", () => {
  const file = `%YAML 1.2
# a collection
---
clothing:   # of all kinds
  shirts:
    - red shirt
    # a comment between
    - 2::blue shirt  # often
    - "striped: {red|blue} #1"
    - 'it''s wet'
  "hats & caps":

  - cap
  - top
    hat
empty:
weather: [sunny, "rain, heavy", 'snow', ]
poem: |
  first line
    second line

  third line
folded: >-
  one
  two
number: 5
`;
  assert.deepEqual(read(file.replaceAll("\n", "\r\n")), read(file));
  assert.deepEqual(read(file), {
    clothing: {
      shirts: ["red shirt", "2::blue shirt", "striped: {red|blue} #1", "it's wet"],
      "hats & caps": ["cap", "top hat"],
    },
    empty: "",
    weather: ["sunny", "rain, heavy", "snow"],
    poem: "first line\nsecond line\n\nthird line",
    folded: "one two",
    number: "5",
  });
  assert.deepEqual(read("- a\n-\n- b"), ["a", "b"]);
  assert.equal(read(""), "");
  assert.equal(read("\n# nothing\n"), "");
});

test("texts are as written: no types, no code", () => {
  assert.deepEqual(read("- yes\n- 010\n- null\n- ~\n- 2026-01-01\n- a:b\n- -x\n- a#b"), [
    ...["yes", "010", "null", "~", "2026-01-01", "a:b", "-x", "a#b"],
  ]);
  assert.deepEqual(read(String.raw`- "a\"b\\c\t\x41\u00e9\U0001F600"`), ['a"b\\c\tAé😀']);
});

test("what cannot be read is a fault of its line", () => {
  for (const [file, fault] of /** @type {[string, RegExp][]} */ ([
    ["a:\n  - b\n c: d", /^line 3: its indentation/],
    ["a:\n- b\n   - c", /^line 3: its indentation/],
    ["a: b\n  - c", /^line 2: its indentation/],
    ["a:\n\t- b", /^line 2: it begins with a tab/],
    ["a: b\n---\nc: d", /^line 2: a second document/],
    ["a:\n  - - b", /^line 2: a list or a map stands inside a list/],
    ["- [a, b]", /^line 1: a list or a map/],
    ["a:\n  -\n    b: c", /^line 2: a list or a map/],
    ["- red: blue", /^line 1: a text with “: ”/],
    ["a: b\na: c", /^line 2: the name “a” is there twice/],
    ['- "a', /^line 1: its quotes are not closed/],
    ['- "a" b', /^line 1: its quotes/],
    ["- 'a\n  b'", /^line 1: its quotes/],
    [String.raw`- "\q"`, /^line 1: \\q means nothing/],
    [String.raw`- "\UFFFFFFFF"`, /^line 1: \\UFFFFFFFF means nothing/],
    ["a: &x b", /^line 1: a text that begins with & must stand in quotes/],
    ["a: *x", /^line 1: a text that begins with \*/],
    ["a: !!js/function 'x'", /^line 1: a text that begins with !/],
    ["- {red|blue}", /^line 1: a text that begins with \{/],
    ["? a\n: b", /^line 1: /],
    ["plain words", /^line 1: there is no name/],
    ["a: [b, c", /^line 1: its \[ is not closed/],
    ["a: [b] c", /^line 1: its \[/],
    ["a: [[b]]", /^line 1: a text that begins with \[/],
    ["a: b: c", /^line 1: a text with “: ”/],
    ["a:\n  b: c\n  - d", /^line 3: its indentation/],
  ]))
    assert.throws(() => readYaml(file), { message: fault }, JSON.stringify(file));
});

/** Milliseconds of this process's own work: others on the machine do not count. */
const worked = () => process.cpuUsage().user / 1000;

test("hostile files cost little", () => {
  const deep = Array.from({ length: 5000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n");
  assert.throws(() => readYaml(deep), /^Error: line 22: its folders are more than 20 deep/);
  const own = /** @type {Map<string, any>} */ (
    readYaml("__proto__:\n  polluted: yes\nconstructor: [a]\ntoString: b")
  );
  assert.deepEqual([...own.keys()], ["__proto__", "constructor", "toString"]);
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  const begun = worked();
  const line = (/** @type {string} */ text) => assert.throws(() => readYaml(text), /longer than/);
  line(`- "${"\\".repeat(200_000)}`);
  line(`a: [${"[".repeat(200_000)}`);
  assert.throws(() => readYaml(`- "${"a\\".repeat(49_000)}`), /line 1/);
  assert.equal(read(`a: [${"b, ".repeat(30_000)}]`).a.length, 30_000);
  assert.equal(read(`- ${"a ".repeat(40_000)}`)[0].length, 79_999);
  assert.equal(read(`${" ".repeat(90_000)}\n`.repeat(50)), "");
  assert.equal(read("- a\n".repeat(200_000)).length, 200_000);
  assert.equal(read(`a: b\n${"  b\n".repeat(100_000)}c: d`).c, "d");
  assert.ok(worked() - begun < 5000);
});

test("items that begin with # are comments, and are counted", () => {
  /** @type {number[]} */
  const heard = [];
  const count = (/** @type {string} */ file) => plain(readYaml(file, (own) => heard.push(own)));
  // Lines that are comments, comments behind texts and empty items are none.
  assert.deepEqual(count("a:\n  - red # often\n  # no item\n  -\n  - '#blue'\n"), {
    a: ["red", "#blue"],
  });
  assert.deepEqual(heard, []);
  assert.deepEqual(count("a:\n  - #ff0000\n  - red\nb:\n- # nothing\n"), { a: ["red"], b: [] });
  assert.deepEqual(heard, [2]);
});
