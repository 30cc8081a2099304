// The words of the built-in model: what a prompt has beyond them, and prompts made of them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Words } from "../../../web/demo/words.js";
import { demoWords } from "../../../web/strings/demo_words.js";
import { FIRST_PROMPT, examples } from "../../../web/strings/demo.js";

const file = join(import.meta.dirname, "../../../web/demo/words.json");
const words = new Words(JSON.parse(await readFile(file, "utf8")));

/** @param {string} prompt @param {string[]} [taught] */
function told(prompt, taught) {
  const { unknown, hasThing } = words.check(prompt, taught);
  return { unknown, hasThing };
}

test("the words that are not known are named once, in their order", () => {
  const { unknown, hasThing } = words.check("A robot, a ROBOT or a red cat with a hat; café");
  assert.deepEqual(unknown, ["robot", "or", "hat", "café"]);
  assert.ok(hasThing);
});

test("weights, tags and syntax are no words; a thing is a whole word", () => {
  const prompt = "(a red:1.3) [cat::0.5] AND (house) BREAK <lora:evening:0.8> <teal>";
  assert.deepEqual(told(prompt), { unknown: [], hasThing: true });
  assert.equal(words.check("a catalogue").hasThing, false);
  assert.deepEqual(words.check("a red Ice Cream on blue").unknown, []);
  assert.deepEqual(words.check("a half-moon").unknown, ["half-moon"]);
  assert.equal(words.check("a palm").hasThing, false, "a part of a name is no thing");
  assert.deepEqual(told(""), { unknown: [], hasThing: false });
});

test("a word of letters and digits is one word; a break of the line is a space", () => {
  assert.deepEqual(words.check("a red cat, 8k, 512, (1girl:1.2)").unknown, ["8k", "1girl"]);
  assert.deepEqual(told("a red ICE  cream"), { unknown: [], hasThing: true });
  assert.equal(words.check("an ice\ncream").hasThing, true);
});

test("a list of words is no word, and may have a thing", () => {
  assert.deepEqual(told("a red __my animals__ on {blue|green}"), {
    unknown: [],
    hasThing: true,
  });
  assert.deepEqual(words.check("a __b").unknown, ["b"]);
});

test("a word that calls a textual inversion is known, and may be a thing", () => {
  const taught = ["teal", "my-cat", "c++"];
  const known = { unknown: [], hasThing: true };
  assert.deepEqual(told("a Teal my-cat, c++ on white", taught), known);
  assert.deepEqual(words.check("a tealish heart", ["teal"]).unknown, ["tealish"]);
  assert.deepEqual(words.check("a teal heart").unknown, ["teal"]);
});

test("the last word that is searched is a whole one", () => {
  assert.deepEqual(words.check("cat ".repeat(499) + "a red elephant").unknown, []);
  assert.deepEqual(words.check("cat ".repeat(499) + "robot robot").unknown, []);
  assert.deepEqual(told("a".repeat(3000)), { unknown: [], hasThing: false });
});

test("a long prompt costs little", () => {
  const start = process.cpuUsage().user;
  words.check("cat ".repeat(500_000));
  assert.ok(process.cpuUsage(undefined).user - start < 1e6);
});

test("prompts that are made or offered have known words alone", () => {
  const made = Array.from({ length: 200 }, () => words.prompt());
  const offered = Array.from({ length: 50 }, examples).flat();
  for (const prompt of [...made, ...offered, FIRST_PROMPT, words.prompt("anchor")])
    assert.deepEqual(told(prompt), { unknown: [], hasThing: true }, prompt);
});

test("things are found by a part of any name; what begins so comes first", () => {
  const few = new Words({
    ...words.vocabulary,
    things: [["cat", "kitten"], ["wildcat"], ["t.rex", "dinosaur"]],
  });
  assert.deepEqual(few.find("CAT "), ["cat", "wildcat"]);
  assert.deepEqual(few.find("dino"), ["t.rex"]);
  assert.equal(few.check("a kitten").hasThing, true);
  assert.equal(few.check("a txrex").hasThing, false, "a name is no pattern");
  assert.equal(few.find("").length, 3);
});

test("a word of a name is not known by itself; the longest name counts", () => {
  assert.deepEqual(words.check("a horse and a cat with a hat").unknown, ["horse", "hat"]);
  assert.equal(words.check("a palm tree and a tree").things, 2);
  assert.deepEqual(words.check("a palm, tree").unknown, ["palm"]);
});

test("other spellings are told, and can be written instead", () => {
  for (const [prompt, better] of [
    ["a T-shirt on grey", "a t shirt on gray"],
    ["a hotdog, two cats", "a hot dog, two cat"],
    ["cherries and a Woman’s  hat", "cherry and a womans hat"],
    ["a red-yellow cat-fish", "a red yellow cat fish"],
    ["butterflies, leaves, houses", "butterfly, leaf, house"],
  ]) {
    const { instead } = words.check(prompt ?? "");
    assert.equal(words.respelled(prompt ?? "", instead), better);
    assert.deepEqual(words.check(better ?? "").instead, []);
  }
  const said = demoWords.about(words.check("a t-shirt on grey"));
  assert.match(said, /write “t shirt” for “t-shirt” and “gray” for “grey”\. What it draws/);
  assert.deepEqual(words.find("woman's hat"), ["womans hat"]);
  assert.ok(words.find("t-shirt").includes("t shirt") && words.find("cats").includes("cat"));
});

test("no spelling stands for two things", () => {
  const { things } = words.vocabulary;
  for (const [name = ""] of things) {
    const { instead } = words.check(`${name}s`);
    const [known] = instead.map(([, to]) => things.find((names) => names.includes(to)));
    assert.ok(!known || known.includes(name), `${name}s`);
  }
});

test("random prompts have the articles that the names take", () => {
  const begins = (/** @type {string} */ thing) =>
    new Set(Array.from({ length: 40 }, () => words.prompt(thing).split(" ")[0]));
  assert.ok(begins("hourglass").has("an"));
  assert.ok(
    Array.from({ length: 40 }, () => words.prompt("unicorn")).every((p) => !/^an uni/.test(p)),
  );
  for (const plural of ["scissors", "jeans", "grapes"])
    assert.ok(!begins(plural).has("a") && !begins(plural).has("an"), plural);
  assert.ok(begins("cactus").has("a") && begins("compass").has("a"));
});

const nothing = { instead: [], things: 1, hasThing: true };

test("the sentence names at most four words", () => {
  assert.match(demoWords.about({ ...nothing, unknown: ["horse"] }), /does not know “horse”,/);
  const many = demoWords.about({ ...nothing, unknown: ["a", "b", "c", "d", "e", "f"] });
  assert.match(many, /“a”, “b”, “c”, “d”, and 2 more,/);
  assert.match(demoWords.about(words.check("a cat, a dog and a bird")), /^It draws at most 2/);
});

test("a long word is cut, and one that is read from the right keeps the sentence's order", () => {
  const said = (/** @type {string[]} */ ...unknown) => demoWords.about({ ...nothing, unknown });
  assert.match(said("y".repeat(500)), /“y{20,40}…”/);
  assert.match(said("حصان", "אדום"), /“\u2068حصان\u2069” and “\u2068אדום\u2069”,/);
});
