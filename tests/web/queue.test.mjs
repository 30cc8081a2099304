// Long work: many pictures, the queue, turns among tabs. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped } from "./harness/files.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";
import { QUIET_MS } from "./harness/states.mjs";

const server = { roots: DOUBLE };

/** @param {import("playwright-core").Page} page */
function queue(page) {
  return {
    enter: () => page.locator('[data-view="queue"]').click(),
    /** @param {string} prompts */
    async add(prompts) {
      await page.locator("#prompts").fill(prompts);
      await page.getByRole("button", { name: "Add", exact: true }).click();
    },
    /** @param {string} states such as "2 waiting, 1 done" */
    reads: (states) => page.locator("#queue-status").filter({ hasText: states }).waitFor(),
    run: page.locator("#queue-run"),
  };
}

test("several pictures have seeds one after another", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  await make({ prompt: "three", seed: "18446744073709551615", count: "3" });
  assert.match((await page.locator("#progress-text").textContent()) ?? "", /^3 images are ready/);
  assert.match((await page.locator("#caption-facts").textContent()) ?? "", /^seed 1 /);
  await page.waitForFunction(() => document.querySelectorAll("#strip li").length === 3);
});

test("a list of prompts is worked through, and a failed one does not end it", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#steps=3" });
  const { enter, add, reads, run } = queue(page);
  await state("ready");
  await enter();
  await add("a cat\n\nmake no numbers\na dog\n");
  await reads("3 waiting");
  await run.click();
  await reads("2 done, 1 failed");
  const failed = page.locator('#jobs [data-state="failed"]');
  assert.match((await failed.textContent()) ?? "", /not numbers/);
  await page.locator('[data-view="gallery"]').click();
  await page.waitForFunction(() => document.querySelectorAll("#images li").length === 2);
});

test("a CSV and a JSONL file fill the queue, with any field", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#steps=2&guidance=4" });
  const { reads, run } = queue(page);
  await state("ready");
  const csv = 'prompt,seed,steps\r\n"a ""quoted"", cat",7,3\r\nplain,8,\r\n';
  await dropped(page, "list.csv", Buffer.from(csv));
  await reads("2 waiting");
  const jsonl = '{"prompt": "wide — 猫", "seed": 9, "width": 96}\n"only text"\n';
  await dropped(page, "list.jsonl", Buffer.from(jsonl));
  await reads("4 waiting");
  await run.click();
  await reads("4 done");
  await page.locator('[data-view="gallery"]').click();
  await page.getByRole("button", { name: 'a "quoted", cat', exact: true }).click();
  const facts = page.locator("#viewer-facts");
  await facts.filter({ hasText: /seed 7 · 3 steps/ }).waitFor();
  await page.getByRole("button", { name: "Previous" }).click();
  await facts.filter({ hasText: /2 steps · guidance 4/ }).waitFor();
  await page.getByRole("button", { name: "Previous" }).click();
  await facts.filter({ hasText: /96 × 64/ }).waitFor();
});

test("a list that cannot be read is told by its line, and adds nothing", async (t) => {
  const { page, state, complaint } = await visit(t, { server });
  await state("ready");
  const fault = page.locator("#fault");
  await dropped(page, "bad.jsonl", Buffer.from('{"prompt": "a"}\n{"prompt": \n'));
  assert.match(await complaint(), /bad\.jsonl cannot be read \(line 2: /);
  const alone = Buffer.from('{"prompt": "a", "init": "images/1.png"}\n');
  await dropped(page, "requests.jsonl", alone);
  // Until it is read, the sentence about the list of before is there.
  await fault
    .filter({ hasText: /line 1: “init” is an image beside the list \(images\/1\.png\)/ })
    .waitFor();
  assert.equal(await page.locator("#queue-count").isVisible(), false);
});

test("the queue survives a reload at work, and a cancel pauses it", async (t) => {
  const { page, state, cancel } = await visit(t, { server, hash: "#steps=1000" });
  const { enter, add, reads, run } = queue(page);
  await state("ready");
  await enter();
  await add("one\ntwo");
  await reads("2 waiting");
  await run.click();
  await reads("1 waiting, 1 running");
  await page.reload();
  await enter();
  await reads("1 waiting, 1 running");
  await page.locator('[data-view="create"]').click();
  await cancel.click();
  await enter();
  await reads("2 waiting");
  await run.filter({ hasText: /^Start$/ }).waitFor();
});

test("another tab leaves the queue to the one where it runs", async (t) => {
  const { page, state, site } = await visit(t, { server, hash: "#steps=60" });
  const { enter, add, reads, run } = queue(page);
  await state("ready");
  await enter();
  await add("one\ntwo\nthree\nfour\n");
  await run.click();
  await reads("3 waiting, 1 running");
  const opening = page.waitForEvent("popup");
  const address = `${site.url}#steps=2&device=webgpu&room=gallery`;
  await page.evaluate((url) => void window.open(url), address);
  const other = await opening;
  other.setDefaultTimeout(QUIET_MS);
  // It opens its model between two jobs of the first tab.
  await other.locator('html[data-state="ready"]').waitFor();
  await reads("4 done");
  await other.locator("#images li").nth(3).waitFor();
  assert.equal(await other.locator("#images li").count(), 4, "each is made once");
  assert.equal(await other.evaluate(() => document.documentElement.dataset["state"]), "ready");
});

test("the queue waits for the user's image, and takes nothing from it", async (t) => {
  const { page, state, generate } = await visit(t, { server, hash: "#steps=40&prompt=mine" });
  const { enter, add, reads, run } = queue(page);
  await state("ready");
  await enter();
  await add("a job\n");
  await reads("1 waiting");
  await page.locator('[data-view="create"]').click();
  await generate.click();
  await state("generating");
  await enter();
  await run.click();
  await reads("1 done");
  await page.locator('[data-view="gallery"]').click();
  // The newest is the first.
  for (const [at, name] of ["a job", "mine"].entries()) {
    const image = page.locator("#images li").nth(at);
    await image.getByRole("button", { name, exact: true }).waitFor();
  }
});

test("Clear can be undone, and a failed job is told in its list alone", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#steps=3" });
  const { enter, add, reads, run } = queue(page);
  await state("ready");
  await enter();
  await add("a cat\na dog");
  await reads("2 waiting");
  await page.getByRole("button", { name: "Clear" }).click();
  await reads("The queue is empty.");
  await page.locator("#undo-text").filter({ hasText: "2 jobs are removed." }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await reads("2 waiting");
  await add("make no numbers");
  await reads("3 waiting");
  await run.click();
  await reads("2 done, 1 failed");
  assert.equal(await page.locator("#fault").isVisible(), false);
  await page.locator('[data-view="create"]').click();
  assert.equal(await page.locator("#fault").isVisible(), false);
});

test("a paused picture lets another tab work, and goes on after it", async (t) => {
  const app = await visit(t, { server });
  const { page, site, state, type, generate, stepping } = app;
  await state("ready");
  await type({ steps: "100" });
  await generate.click();
  await stepping();
  const [pause, text] = [page.locator("#pause"), page.locator("#progress-text")];
  await pause.click();
  await text.filter({ hasText: /^Paused after step/ }).waitFor();

  const opening = page.waitForEvent("popup");
  const link = `${site.url}#steps=2&device=webgpu`;
  await page.evaluate((url) => void window.open(url), link);
  const other = await opening;
  other.setDefaultTimeout(QUIET_MS);
  await other.locator("#progress-text").filter({ hasText: "Ready." }).waitFor();
  await other.click("#generate");
  await other.locator("#progress-text").filter({ hasText: "The image is ready" }).waitFor();

  // While the other one works this one waits for its turn; then it goes on where it was.
  await other.fill("#steps", "1000");
  await other.click("#generate");
  await other
    .locator("#progress-text")
    .filter({ hasText: /^Step [1-9]/ })
    .waitFor();
  await pause.click();
  await text.filter({ hasText: "Another tab is making an image" }).waitFor();
  await other.click("#cancel");
  await text.filter({ hasText: "The image is ready" }).waitFor();
  await other.close();
});

test("another tab waits for its turn, and says so", async (t) => {
  const { page, site, state, type, generate, cancel } = await visit(t, { server });
  await state("ready");
  const opening = page.waitForEvent("popup");
  await page.evaluate((url) => void window.open(url), site.url);
  const other = await opening;
  other.setDefaultTimeout(QUIET_MS);
  await other.waitForSelector('html[data-state="ready"]');
  await type({ steps: "1000" });
  await generate.click();
  await state("generating");
  await page.locator("#progress-text").filter({ hasText: /^Step/ }).waitFor();
  await other.fill("#steps", "2");
  await other.click("#generate");
  await other.locator("#progress-text").filter({ hasText: "Another tab" }).waitFor();
  await cancel.click();
  await other.locator("#progress-text").filter({ hasText: "The image is ready" }).waitFor();
  await other.close();
});

test("title and icon show the progress, and rest afterwards", async (t) => {
  const { page, state, type, generate } = await visit(t, { server });
  await state("ready");
  await type({ steps: "30" });
  const seen = page.waitForFunction(() => /^\d+ % · Darkroom$/.test(document.title));
  await generate.click();
  await seen;
  await state("ready");
  assert.equal(await page.title(), "Darkroom");
});
