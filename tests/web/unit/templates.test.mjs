// Templates: what {a|b} and __lists__ stand for, at random and in all combinations; what is wrong
// with a text, and what hostile ones may cost.

import assert from "node:assert/strict";
import test from "node:test";
import { Book, linesOf } from "../../../web/batch/book.js";
import { choose } from "../../../web/batch/choose.js";
import { MANY, allTexts, countTexts } from "../../../web/batch/combine.js";
import { combineRow, countRow, expandRow } from "../../../web/batch/expand.js";
import { randomOf } from "../../../web/batch/random.js";

const LISTS = {
  colours: "# warm ones first\nred\n\n  orange \nblue",
  "animals/cats": "lion\n{old|young} tiger",
  "animals/dogs": "wolf",
  "animals/birds/large": "ostrich",
  weighted: "3::often\n1::seldom\n0::never",
  nested: "__colours__ ball\ncube",
};
const book = (/** @type {Record<string, string>} */ lists = LISTS) =>
  new Book(Object.entries(lists));
const all = (/** @type {string} */ template, own = book()) => allTexts(own.read(template));
const at = (/** @type {string} */ template, /** @type {number | string} */ seed, own = book()) =>
  choose(own.read(template), randomOf(String(seed), "prompt"));

/**
 * How often each text comes, of so many seeds.
 * @param {string} template
 * @param {number} [seeds]
 */
function shares(template, seeds = 4000) {
  const read = book().read(template);
  /** @type {Record<string, number>} */
  const found = {};
  for (let seed = 0; seed < seeds; seed++) {
    const made = choose(read, randomOf(String(seed), "prompt"));
    found[made] = (found[made] ?? 0) + 1 / seeds;
  }
  return found;
}

test("plain text is itself, with signs that mean something elsewhere", () => {
  for (const plain of ["a cat", "", "(a:1.2) [b|c] <lora:x:1>", "a | b", "snake_case \\(x\\) 5$"])
    assert.deepEqual(all(plain), [plain]);
  assert.deepEqual(all("\\{a\\|b\\} \\__x__ \\\\ \\$"), ["{a|b} __x__ \\\\ $"]);
  assert.deepEqual(all("a __ b __ c"), ["a __ b __ c"]);
});

/** Templates, each with all its texts. @type {[string, string[]][]} */
const TEXTS = [
  ["{red|blue} ball", ["red ball", "blue ball"]],
  ["{a} {}b{|c}", ["a b", "a bc"]],
  ["{ red |\n blue }", ["red", "blue"]],
  ["{a|{b|c} d}", ["a", "b d", "c d"]],
  ["{2$$a|b|c}", ["a, b", "a, c", "b, a", "b, c", "c, a", "c, b"]],
  ["{1-2$$ and $$a|b}", ["a", "b", "a and b", "b and a"]],
  ["{-2$$/$$a|b}", ["a", "b", "a/b", "b/a"]],
  ["{2-$$+$$a|b}", ["a+b", "b+a"]],
  ["{2-1$$a|b}", ["a", "b", "a, b", "b, a"]],
  ["{0-1$$a}", ["", "a"]],
  ["{9$$a|b}", ["a, b", "b, a"]],
  ["{2$$$$a|b}", ["ab", "ba"]],
  ["{2::a|.5::b|0::c}", ["a", "b"]],
  ["{[a::0.5]|b}", ["[a::0.5]", "b"]],
  ["__colours__", ["red", "orange", "blue"]],
  ["a __COLOURS__ b", ["a red b", "a orange b", "a blue b"]],
  ["{2$$__animals/cats__}", ["lion, old tiger", "lion, young tiger", "old tiger, lion"]],
  ["__animals/*__", ["lion", "old tiger", "young tiger", "wolf"]],
  ["__animals/**__", ["ostrich", "lion", "old tiger", "young tiger", "wolf"]],
  ["__nested__", ["red ball", "orange ball", "blue ball", "cube"]],
  ["__~weighted__", ["often", "seldom"]],
];
for (const [template, texts] of TEXTS)
  test(`all of ${JSON.stringify(template)}`, () => {
    const found = all(template);
    assert.deepEqual(found.slice(0, texts.length), texts);
    if (!template.includes("cats")) assert.equal(found.length, texts.length);
    assert.equal(countTexts(book().read(template)), found.length, "counted before");
    for (let seed = 0; seed < 50; seed++) assert.ok(found.includes(at(template, seed)));
  });

test("the choices are those of the seed", () => {
  const template = "{a|b|c|d} __colours__ {2$$1|2|3|4|5}";
  const first = Array.from({ length: 40 }, (_, seed) => at(template, seed));
  assert.deepEqual(
    Array.from({ length: 40 }, (_, seed) => at(template, seed)),
    first,
  );
  assert.ok(new Set(first).size > 30, "seeds that follow each other are alike");
  // What is promised for good: a release that changes these makes other pictures of old seeds.
  assert.deepEqual(
    [0, 1, 2, "18446744073709551615"].map((seed) => at("{a|b|c|d|e|f}", seed)),
    [...["b", "a", "c", "a"]],
  );
});

test("choices are as frequent as their weights say", () => {
  const close = (/** @type {number | undefined} */ share, /** @type {number} */ expected) =>
    assert.ok(Math.abs((share ?? 0) - expected) < 0.03, `${share} of ${expected}`);
  const plain = shares("{a|b|c|d}");
  for (const one of ["a", "b", "c", "d"]) close(plain[one], 0.25);
  const weighted = shares("{2::a|b|0.5::c|0.5::d}");
  close(weighted["a"], 0.5);
  close(weighted["c"], 0.125);
  const listed = shares("__weighted__");
  close(listed["often"], 0.75);
  assert.equal(listed["never"], undefined);
  const picked = shares("{2$$a|b|c}");
  for (const pair of ["a, b", "b, a", "a, c", "c, b"]) close(picked[pair], 1 / 6);
  const range = shares("{1-2$$a|b}");
  close(range["a"], 0.25);
  close(range["a, b"], 0.25);
});

/** Texts that are wrong, each with what is said of them. @type {[string, RegExp][]} */
const WRONG = [
  ["a {b|c", /\{ at character 3 \(“\{b\|c”\) is not closed/],
  ["a } b", /\} at character 3 \(“\} b”\) closes nothing/],
  ["{a|{b}", /character 1 .* is not closed/],
  ["{0::a|0::b}", /weight 0/],
  ["{101$$a|b}", /at most 100/],
  ["${x=a} b", /Variables/],
  ["__nothing__", /no list “nothing”/],
  ["__no*__", /no list “no\*”/],
  ["__empty__", /“empty” has no lines/],
  ["__broken__", /Line 2 of the list “broken”: .*not closed/],
  ["__a__", /contains itself: “a” names “b” names “a”/],
  ["__self__", /contains itself: “self” names “self”/],
  ["__s*__", /contains itself/],
];
test("what is wrong is told, and where", () => {
  const lists = {
    ...{ empty: "# nothing", broken: "good\nbad {a|b" },
    ...{ a: "x\n__b__", b: "{y|z __a__}", self: "q __self__" },
  };
  for (const [template, told] of WRONG)
    assert.throws(() => book(lists).read(template), told, template);
  assert.throws(() => combineRow({ prompt: "{a", seed: "1" }, book(), true), { field: "prompt" });
  assert.throws(() => expandRow({ prompt: "a", negative_prompt: "b}", seed: "1" }, book()), {
    field: "negative_prompt",
    message: /^Negative prompt: /,
  });
});

/** Milliseconds of this process's own work: others on the machine do not count. */
const worked = () => process.cpuUsage().user / 1000;

test("hostile texts cost little", () => {
  const begun = worked();
  const wide = book().read("{a|b}".repeat(40));
  assert.equal(countTexts(wide), 2 ** 40);
  assert.throws(() => allTexts(wide), /1,099,511,627,776 combinations. At most 10,000/);
  assert.equal(choose(wide, randomOf("1", "prompt")).length, 40);
  assert.equal(countTexts(book().read("{a|b}".repeat(2000))), MANY);
  assert.throws(() => book().read("{".repeat(60_000)), /more than 50 levels/);
  assert.throws(() => book().read("x".repeat(100_001)), /longer than 100,000/);
  assert.equal(book().read("__".repeat(40_000)).length, 1);
  // Each list names the next one twice: 2⁴⁰ texts, all of them empty, or one of 2⁴⁰ characters.
  for (const leaf of ["{}", "x"]) {
    const deep = Object.fromEntries(
      Array.from({ length: 41 }, (_, i) => [`l${i}`, i < 40 ? `__l${i + 1}____l${i + 1}__` : leaf]),
    );
    const read = book(deep).read("__l0__");
    assert.equal(countTexts(read), 1);
    assert.throws(() => choose(read, Math.random), /more than 20,000|longer than/);
    if (leaf === "x") assert.throws(() => allTexts(read), /longer than/);
    else assert.deepEqual(allTexts(read), [""]);
  }
  const many = book({ many: Array.from({ length: 100_000 }, (_, i) => `word ${i}`).join("\n") });
  assert.equal(countTexts(many.read("{1-$$__many__}")), MANY);
  assert.equal(countTexts(many.read("__many__")), 100_000);
  assert.match(choose(many.read("{100$$__many__}"), Math.random), /^word \d+(, word \d+){99}$/);
  const chain = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, i) => [`c${i}`, i ? `__c${i - 1}__` : "x"]),
  );
  assert.throws(() => book(chain).read("__c19999__"), /more than 50 levels/);
  assert.throws(() => book().read(`__${"*a".repeat(30)}__`), /at most 8 stars/);
  assert.ok(worked() - begun < 5000, `${worked() - begun} ms`);
});

test("a row becomes the rows of its pictures", () => {
  const row = { prompt: "{a|b|c|d} cat", negative_prompt: "", count: "6", seed: "10", steps: "3" };
  const made = expandRow(row, book());
  assert.deepEqual(
    made.map(({ fields }) => fields["seed"]),
    ["10", "11", "12", "13", "14", "15"],
  );
  assert.deepEqual(made[0]?.template, { prompt: "{a|b|c|d} cat" });
  for (const { fields } of made) {
    assert.equal(fields["prompt"], at(row.prompt, fields["seed"] ?? ""));
    assert.deepEqual([fields["count"], fields["steps"]], ["1", "3"]);
  }
  const [again] = expandRow({ ...row, count: "1", seed: "13" }, book());
  assert.equal(again?.fields["prompt"], made[3]?.fields["prompt"], "by its own seed");
  const free = expandRow({ ...row, seed: "" }, book()).map(({ fields }) =>
    BigInt(fields["seed"] ?? ""),
  );
  assert.equal((free[5] ?? 0n) - (free[0] ?? 0n), 5n);
  assert.equal(expandRow({ prompt: "plain", seed: "1" }, book())[0]?.template, undefined);
  assert.throws(() => expandRow({ ...row, count: "0" }, book()), { field: "count" });
});

test("all combinations of both prompts, with one seed or one after another", () => {
  const row = { prompt: "{a|b}", negative_prompt: "{x|y|z}", count: "9", seed: "5" };
  assert.equal(countRow(row, book()), 6);
  const texts = (/** @type {ReturnType<typeof combineRow>} */ made) =>
    made.map(({ fields }) => `${fields["prompt"]}${fields["negative_prompt"]}${fields["seed"]}`);
  assert.deepEqual(texts(combineRow(row, book(), true)), [
    ...["ax5", "ay5", "az5", "bx5", "by5", "bz5"],
  ]);
  assert.equal(texts(combineRow(row, book(), false)).at(-1), "bz10");
});

test("lines of a list: comments and empty ones are left out", () => {
  assert.deepEqual(linesOf("# a\r\n\r\n b \r\nc # d"), [
    { line: "b", at: 3 },
    { line: "c # d", at: 4 },
  ]);
});

test("signs of Dynamic Prompts that are not read here are faults, comments are left out", () => {
  for (const wrong of ["{@a|b}", "{ !a|b}", "a __@colours__"])
    assert.throws(() => all(wrong), /Samplers such as/, wrong);
  assert.throws(() => all("__colours(x=1)__"), /Parameters of a list/);
  assert.deepEqual(all("a {red # warm\n|blue // cold\n} ball # end"), [
    "a red ball ",
    "a blue ball ",
  ]);
  assert.deepEqual(all("{\\@a|\\!b} \\# https://x c#"), ["@a # https://x c#", "!b # https://x c#"]);
});

test("many spaces and stars cost no more than their length", () => {
  const start = worked();
  assert.throws(() => all(`{${" ".repeat(99_000)}`), /not closed/);
  const long = new Book([["a".repeat(200), "x"]]);
  assert.throws(() => long.read(`__${"*a".repeat(8)}b__`), /no list/);
  assert.deepEqual(allTexts(long.read("__**A*a**__")), ["x"]);
  assert.ok(worked() - start < 2000);
});
