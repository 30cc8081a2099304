// Many images at once: prompts with {a|b} and __lists__, the lists, all combinations, seeds. A
// double stands in the engine's place.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Book } from "../../web/batch/book.js";
import { choose } from "../../web/batch/choose.js";
import { randomOf } from "../../web/batch/random.js";
import { seriousFaults } from "./harness/axe.mjs";
import { decodePng } from "./harness/png.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";
import { galleryFiles, savedBy, storedIn } from "./harness/stored.mjs";

const server = { roots: DOUBLE };
const COLOURS = "red\n# cold\nblue\n2::green";

/**
 * The page with the dialog, open.
 * @param {import("node:test").TestContext} t
 * @param {import("./harness/site.mjs").Visit} [how]
 */
async function begin(t, how = {}) {
  const all = await visit(t, { server, hash: "#steps=1", ...how });
  await all.state("ready");
  const { page } = all;
  const dialog = page.getByRole("dialog", { name: "Many images" });
  const open = async () => {
    await page.locator("#many").press("Enter");
    await dialog.waitFor();
  };
  const tab = (/** @type {string} */ name) => dialog.getByRole("tab", { name }).click();
  const close = () => dialog.getByRole("button", { name: "Close" }).click();
  const list = async (/** @type {string} */ name, /** @type {string} */ text) => {
    await dialog.getByRole("button", { name: "New list" }).click();
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByLabel(/One choice per line/).fill(text);
    await dialog.getByRole("button", { name: "Save", exact: true }).click();
    await dialog.getByText(`The list “${name}” is saved.`).waitFor();
  };
  const expand = () => dialog.getByRole("switch", { name: /^Expand/ }).check();
  const queue = (/** @type {string} */ states) =>
    page.locator("#queue-status").filter({ hasText: states }).waitFor({ state: "attached" });
  return { ...all, dialog, open, tab, close, list, expand, queue };
}

test("Generate expands six into the queue, and the images have their own texts", async (t) => {
  const { page, state, type, generate, open, list, expand, close, queue } = await begin(t);
  await open();
  await list("colours", COLOURS);
  await expand();
  await close();
  const template = "a __colours__ {cat|dog|owl} by {day|night}";
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  await type({ prompt: template, negative_prompt: "{grey|dull}", seed: "40", count: "6" });
  await generate.press("Enter");
  await queue("6 done");

  const book = new Book([["colours", COLOURS]]);
  const textOf = (/** @type {string} */ own, /** @type {string} */ seed, field = "prompt") =>
    choose(book.read(own), randomOf(seed, field));
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ request }) => request.seed),
    ["40", "41", "42", "43", "44", "45"],
  );
  assert.ok(new Set(records.map(({ request }) => request.prompt)).size > 3);
  for (const { request, origin } of records) {
    assert.equal(request.prompt, textOf(template, request.seed));
    assert.equal(request.negative_prompt, textOf("{grey|dull}", request.seed, "negative_prompt"));
    assert.deepEqual(origin, { template: { prompt: template, negative_prompt: "{grey|dull}" } });
  }
  const [file] = await galleryFiles(page);
  const { texts, width } = decodePng(/** @type {Buffer} */ (file));
  assert.equal(width, 64);
  assert.equal(JSON.parse(texts.get("darkroom")).prompt, records[0].request.prompt);
  assert.equal(JSON.parse(texts.get("darkroom-template")).prompt, template);

  await t.test("the queue says what they were expanded from", async () => {
    await page.locator('[data-view="queue"]').click();
    const [row] = await page.locator("#jobs li").allTextContents();
    const [prompt] = await page.locator("#jobs li p").allTextContents();
    assert.match(row ?? "", /done · from a __colours__ \{cat\|dog\|owl\}/);
    assert.equal(prompt, records[0].request.prompt);
  });

  await t.test("the viewer says so too, and its button takes the template", async () => {
    await page.locator('[data-view="gallery"]').click();
    await page.locator("#images li button").first().press("Enter");
    const line = page.locator("#viewer-template");
    await line.filter({ hasText: `${template} · negative prompt “{grey|dull}”` }).waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    await line.getByRole("button", { name: "Use the template" }).press("Enter");
    await page.locator("#viewer").waitFor({ state: "hidden" });
    assert.equal(await page.locator("#prompt").inputValue(), template);
    assert.equal(await page.locator("#negative_prompt").inputValue(), "{grey|dull}");
  });

  await t.test("one seed gives its image again", async () => {
    await type({ seed: "43", count: "1" });
    await generate.press("Enter");
    await queue("7 done");
    const again = (await storedIn(page, "pictures")).at(-1);
    assert.equal(again.request.prompt, records[3].request.prompt);
  });

  await t.test("lines of the queue are expanded too, and the switch is remembered", async () => {
    // The draft of the form is stored a moment after it was changed.
    await page.waitForFunction(() => !localStorage.getItem("darkroom.form")?.includes("count"));
    await page.reload();
    await state("ready");
    await page.locator('[data-view="queue"]').click();
    await page.locator("#prompts").fill("plain\n{a|b} ball");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await queue("2 waiting, 7 done");
    const jobs = await storedIn(page, "jobs");
    assert.equal(jobs.at(-2).fields.prompt, "plain");
    assert.match(jobs.at(-1).fields.prompt, /^[ab] ball$/);
  });
});

test("Generate makes its own images alone, and a Cancel leaves none of them", async (t) => {
  const { page, type, generate, cancel, open, expand, close, queue } = await begin(t);
  await open();
  await expand();
  await close();
  await type({ prompt: "waits" });
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  await page.getByRole("button", { name: "Add to queue" }).click();
  await queue("1 waiting");
  await type({ prompt: "{cat|cat}", count: "4", steps: "200" });
  await generate.press("Enter");
  await queue("4 waiting, 1 running");
  await cancel.click();
  await page.locator("#undo-text").filter({ hasText: "4 jobs are removed" }).waitFor();
  await queue("1 waiting");
  await type({ prompt: "{dog|dog}", count: "2", steps: "1" });
  await generate.press("Enter");
  await queue("1 waiting, 2 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ request }) => request.prompt),
    ["dog", "dog"],
  );
});

test("what is wrong with a prompt is told by its field, and nothing runs", async (t) => {
  const { page, type, generate, complaint, open, expand, close } = await begin(t);
  await open();
  await expand();
  await close();
  const prompt = page.locator("#prompt");
  for (const [text, told] of /** @type {[string, RegExp][]} */ ([
    ["a {cat|dog", /^The brace \{ at character 3 .* is not closed/],
    ["a __bird__", /^There is no list “bird”/],
  ])) {
    await type({ prompt: text });
    await generate.press("Enter");
    await page.locator("#fault").filter({ hasText: told }).waitFor();
    assert.match(await complaint(), told);
    assert.equal(await prompt.getAttribute("aria-invalid"), "true");
    assert.equal(await prompt.evaluate((it) => it === document.activeElement), true);
  }
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  await page.getByRole("button", { name: "Add to queue" }).click();
  await page.locator("#fault").filter({ hasText: "no list “bird”" }).waitFor();
  assert.deepEqual(await storedIn(page, "jobs"), []);
  // The queue's own list has other faults; this one came from the form.
  await type({ prompt: "{make no numbers}" });
  await page.locator("#steps").fill("3");
  await generate.press("Enter");
  assert.match(await complaint(), /not numbers|no list/);
  await page.locator("#fault").filter({ hasText: "not numbers" }).waitFor();
});

test("without the switch braces are text", async (t) => {
  const { page, make } = await begin(t);
  await make({ prompt: "a {cat|dog} __x__", seed: "1" });
  const [{ request, origin }] = await storedIn(page, "pictures");
  assert.equal(request.prompt, "a {cat|dog} __x__");
  assert.equal(origin, undefined);
  assert.deepEqual(await storedIn(page, "jobs"), []);
});

test("all combinations are counted first, and made with one seed", async (t) => {
  const { page, type, dialog, open, queue } = await begin(t);
  await type({ prompt: "{a|b}{c|d|e}", seed: "9" });
  await open();
  await dialog.getByText("The form’s prompts have 6 combinations. For example:").waitFor();
  await dialog.getByRole("button", { name: "Generate all 6 combinations" }).click();
  await dialog.waitFor({ state: "hidden" });
  await queue("6 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ request }) => `${request.prompt} ${request.seed}`),
    ["ac 9", "ad 9", "ae 9", "bc 9", "bd 9", "be 9"],
  );
  await type({ prompt: "{a|b}".repeat(14) });
  await open();
  await dialog.getByText("There are 16,384 combinations. At most 10,000 can be made").waitFor();
  assert.equal(await dialog.getByRole("button", { name: /^Generate all/ }).isDisabled(), true);
});

test("lists are made, renamed, deleted, imported and exported", async (t) => {
  const { page, dialog, open, list } = await begin(t);
  await open();
  await list("colours", COLOURS);
  await list("animals/cats", "lion\ntiger");
  const names = async () => (await storedIn(page, "lists", "darkroom-batch")).map((it) => it.name);
  const item = (/** @type {string} */ name) =>
    dialog.getByRole("listitem").filter({ hasText: `__${name}__` });
  assert.match((await item("colours").textContent()) ?? "", /3 lines/);

  await dialog.getByRole("button", { name: "Edit: colours" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("animals/cats");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText("There is a list “animals/cats” already.").waitFor();
  await dialog.getByLabel("Name", { exact: true }).fill("a__b");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText(/“a__b” cannot be the name of a list/).waitFor();
  // Escape does not throw away what is being edited.
  await page.keyboard.press("Escape");
  assert.equal(await dialog.isVisible(), true);
  await dialog.getByLabel("Name", { exact: true }).fill("hues");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await item("hues").waitFor();
  assert.deepEqual(await names(), ["animals/cats", "hues"]);

  await t.test("a deleted one comes back", async () => {
    await dialog.getByRole("button", { name: "Delete: hues" }).press("Enter");
    await item("hues").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await item("hues").waitFor();
  });

  const zip = await savedBy(page, dialog.getByRole("button", { name: "Export all (zip)" }));
  const json = await savedBy(page, dialog.getByRole("button", { name: "Export all (JSON)" }));
  assert.deepEqual([zip.name, json.name], ["wildcards.zip", "wildcards.json"]);
  assert.deepEqual(JSON.parse(await readFile(json.path, "utf8")), {
    "animals/cats": "lion\ntiger",
    hues: COLOURS,
  });

  await t.test("what was exported is imported again", async () => {
    for (const name of ["hues", "animals/cats"]) {
      await dialog.getByRole("button", { name: `Delete: ${name}` }).press("Enter");
      // The list is shown anew then, and the focus may be lost.
      await item(name).waitFor({ state: "hidden" });
    }
    await dialog.getByText("No list yet.").waitFor();
    const files = dialog.locator("#many-files");
    const buffer = await readFile(zip.path);
    await files.setInputFiles({ name: "wildcards.zip", mimeType: "application/zip", buffer });
    await dialog.getByText("2 lists are imported.").waitFor();
    const [cats, hues] = await storedIn(page, "lists", "darkroom-batch");
    assert.deepEqual([cats.text, hues.text], ["lion\ntiger", COLOURS]);
  });

  await t.test("text files and the JSON of Dynamic Prompts", async () => {
    const files = dialog.locator("#many-files");
    const nested = { artists: { dutch: ["Vermeer", "Hals"], born: 1632 }, trees: ["oak"] };
    await files.setInputFiles([
      { name: "hues.txt", mimeType: "text/plain", buffer: Buffer.from("\ufeffpink\r\n") },
      { name: "all.json", mimeType: "text/json", buffer: Buffer.from(JSON.stringify(nested)) },
    ]);
    await dialog.getByText("3 lists are imported. Replaced: 1").waitFor();
    const found = await storedIn(page, "lists", "darkroom-batch");
    assert.deepEqual(
      found.map(({ name, text }) => `${name}: ${text}`),
      ["animals/cats: lion\ntiger", "artists/dutch: Vermeer\nHals", "hues: pink\r\n", "trees: oak"],
    );
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await item("trees").waitFor({ state: "hidden" });
    assert.equal((await storedIn(page, "lists", "darkroom-batch"))[1].text, COLOURS);
    await files.setInputFiles([
      { name: "bad.json", mimeType: "text/json", buffer: Buffer.from("{") },
    ]);
    await dialog.getByText("bad.json cannot be imported").waitFor();
  });
});

test("thousands of jobs are listed in part, and the page stays quick", async (t) => {
  const { page, type, dialog, open, queue } = await begin(t);
  await type({ prompt: "{a|b|c|d|e}{a|b|c|d|e}{a|b|c|d|e}{a|b|c|d|e}{a|b|c|d|e}", seed: "1" });
  await open();
  await dialog.getByRole("checkbox", { name: /^Start at once/ }).uncheck();
  await dialog.getByRole("button", { name: "Generate all 3,125 combinations" }).click();
  await queue("3125 waiting");
  await page.locator('[data-view="queue"]').click();
  await page.getByText("2925 more are not shown.").waitFor();
  await page
    .locator("#jobs li")
    .nth(199)
    .getByRole("button", { name: /^Move down/ })
    .press("Enter");
  await page.locator("#queue-moved").filter({ hasText: "Position 201 of 3125" }).waitFor();
  assert.equal(await page.locator("#jobs li[data-state]").count(), 200);
  await page.locator("#queue-run").click();
  await queue("3 done");
  await page.locator("#queue-run").click();
  await page.getByRole("button", { name: "Start" }).waitFor();
});

test("deleting everything deletes lists and grids", async (t) => {
  const { page, open, list, close } = await begin(t);
  await open();
  await list("colours", COLOURS);
  await close();
  page.on("dialog", (dialog) => void dialog.accept());
  await page.locator('[data-view="privacy"]').click();
  await page.getByRole("button", { name: /^Delete everything/ }).click();
  await page.getByText(/^Deleted: .*wildcard lists and grids/).waitFor();
  const left = await page.evaluate(async () => (await indexedDB.databases()).map((it) => it.name));
  assert.ok(!left.includes("darkroom-batch"), String(left));
});

test("seeds from one to another make a job each, and may wait", async (t) => {
  const { page, type, dialog, open, tab, queue } = await begin(t);
  await type({ prompt: "a cat", seed: "5" });
  await open();
  await tab("Seeds");
  await dialog.getByRole("textbox", { name: "Seeds" }).fill("7-9, 42");
  await dialog.getByText("4 images.").waitFor();
  await dialog.getByRole("checkbox", { name: /^Start at once/ }).uncheck();
  await dialog.getByRole("button", { name: "Generate 4 images" }).click();
  await queue("4 waiting");
  const jobs = await storedIn(page, "jobs");
  assert.deepEqual(
    jobs.map(({ fields }) => `${fields.prompt} ${fields.seed} ${fields.count}`),
    ["a cat 7 1", "a cat 8 1", "a cat 9 1", "a cat 42 1"],
  );
  await open();
  await dialog.getByRole("textbox", { name: "Seeds" }).fill("1, x");
  await dialog.getByText("“x” is no seed").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Generate" }).isDisabled(), true);
});

test("the dialog is used by keys, is accessible, and fits a narrow window", async (t) => {
  const context = { viewport: { width: 320, height: 640 } };
  const { page, dialog, open } = await begin(t, { context });
  await page.locator("#prompt").fill("{a|b} very long words ".repeat(20));
  await open();
  const names = ["Wildcards", "Grid", "Prompt matrix", "Seeds", "Results"];
  const tabs = dialog.getByRole("tab");
  await tabs.first().focus();
  for (const [i, name] of names.entries()) {
    const own = dialog.getByRole("tab", { name });
    assert.equal(await own.getAttribute("aria-selected"), "true", name);
    assert.equal(await own.evaluate((it) => it === document.activeElement), true, name);
    await dialog.getByRole("tabpanel", { name }).waitFor();
    assert.deepEqual(await seriousFaults(page), [], name);
    const wide = await dialog.evaluate((it) => it.scrollWidth > it.clientWidth);
    assert.equal(wide, false, `${name} is wider than the window`);
    if (i < names.length - 1) await page.keyboard.press("ArrowRight");
  }
  await page.keyboard.press("Home");
  assert.equal(await tabs.first().getAttribute("aria-selected"), "true");
  await dialog.getByText("What can be written").click();
  await dialog.getByRole("button", { name: "New list" }).click();
  assert.deepEqual(await seriousFaults(page), [], "with a list in edit");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  const back = await page.evaluate(() => document.activeElement?.id);
  assert.equal(back, "many", "the focus goes back");
});
