// What people are used to of a queue: another order, and an end after the present image. A double
// stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";
import { longOffers } from "./harness/undo.mjs";

const server = { roots: DOUBLE };

/** @param {import("playwright-core").Page} page */
function queue(page) {
  const jobs = page.locator("#jobs li");
  return {
    jobs,
    names: () => page.locator("#jobs li p").allTextContents(),
    enter: () => page.locator('[data-view="queue"]').click(),
    /** @param {string} prompts */
    async add(prompts) {
      await page.locator("#prompts").fill(prompts);
      await page.locator("#queue-add").click();
    },
    /** @param {string} order */
    reads: (order) =>
      page.waitForFunction(
        (wanted) =>
          [...document.querySelectorAll("#jobs li p")].map((one) => one.textContent).join(" ") ===
          wanted,
        order,
      ),
  };
}

test("jobs are moved by keys and by dragging, and the order is kept and followed", async (t) => {
  const { page, state } = await visit(t, { server, hash: "#steps=1", before: longOffers });
  const { jobs, enter, add, reads } = queue(page);
  const moved = page.locator("#queue-moved");
  await state("ready");
  await enter();
  await add("one\ntwo\nthree\nfour");
  await reads("one two three four");
  await moved.waitFor({ state: "attached" });
  await jobs.nth(2).locator(".move").focus();
  await page.keyboard.press("Alt+ArrowUp");
  await reads("one three two four");
  await moved.filter({ hasText: "Position 2 of 4" }).waitFor();
  await t.test("and by the buttons of a job", async () => {
    await jobs.nth(3).getByRole("button", { name: "Move up: four" }).click();
    await reads("one three four two");
    await moved.filter({ hasText: "Position 3 of 4" }).waitFor();
    const focus = await page.evaluate(() => document.activeElement?.ariaLabel);
    assert.equal(focus, "Move up: four");
    await jobs.nth(2).getByRole("button", { name: "Move down: four" }).click();
    await reads("one three two four");
    await jobs.nth(3).getByRole("button", { name: "Move down: four" }).click();
    await moved.filter({ hasText: "It is the last job." }).waitFor();
    await jobs.nth(1).locator(".move").focus();
  });
  // The focus stays on the job.
  await page.keyboard.press("Alt+ArrowUp");
  await reads("three one two four");
  await page.keyboard.press("Alt+ArrowUp");
  await moved.filter({ hasText: "It is the first job." }).waitFor();
  assert.deepEqual(await seriousFaults(page), []);

  const handle = (await jobs.nth(3).locator(".move").boundingBox()) ?? assert.fail("no handle");
  const first = (await jobs.nth(0).boundingBox()) ?? assert.fail("no job");
  await page.mouse.move(handle.x + 5, handle.y + 5);
  await page.mouse.down();
  await page.mouse.move(first.x + 20, first.y + first.height + 10, { steps: 6 });
  await page.mouse.move(first.x + 20, first.y + 4, { steps: 3 });
  await page.mouse.up();
  await reads("four three one two");
  // The list shows it before it is stored.
  await page.waitForFunction(async () => {
    const { listJobs } = await import(String(new URL("storage/jobs.js", location.href)));
    return (await listJobs())[0].fields.prompt === "four";
  });

  await page.reload();
  await state("ready");
  await enter();
  await reads("four three one two");
  // What is added comes last; what is removed comes back to its place.
  await add("five");
  await reads("four three one two five");
  await jobs.nth(1).getByRole("button", { name: "Remove" }).click();
  await reads("four one two five");
  await page.locator("#undo-act").click();
  await reads("four three one two five");
  await page.locator("#queue-run").click();
  await page.locator("#queue-status").filter({ hasText: "5 done" }).waitFor();
  await page.locator('[data-view="gallery"]').click();
  const made = await page
    .locator("#images li button")
    .evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel));
  assert.deepEqual(made.reverse(), ["four", "three", "one", "two", "five"]);
});

test("a finger drags jobs by their handle, and scrolls the page elsewhere", async (t) => {
  const context = { hasTouch: true, viewport: { width: 390, height: 844 } };
  const { page, state } = await visit(t, { server, context });
  const { jobs, enter, add, reads } = queue(page);
  await state("ready");
  await enter();
  await add("one\ntwo\nthree");
  await reads("one two three");
  await page.locator("#queue-moved").waitFor({ state: "attached" });
  const cdp = await page.context().newCDPSession(page);
  /** @param {"touchStart" | "touchMove" | "touchEnd"} type @param {...[number, number]} points */
  const touch = (type, ...points) =>
    cdp.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(([x, y]) => ({ x, y })),
    });
  // Measured in the page: the list may be made anew at any moment.
  /** @param {import("playwright-core").Locator} item */
  const box = (item) =>
    item.evaluate((it) => {
      const { x, y, width, height } = it.getBoundingClientRect();
      return { x, y, width, height };
    });
  await jobs.nth(2).evaluate((it) => it.scrollIntoView({ block: "center" }));
  const handle = await box(jobs.nth(2).locator(".move"));
  const { y: to } = await box(jobs.nth(0));
  const [x, y] = [handle.x + handle.width / 2, handle.y + handle.height / 2];
  await touch("touchStart", [x, y]);
  for (const part of [0.25, 0.5, 0.75, 1]) await touch("touchMove", [x, y + (to + 4 - y) * part]);
  await touch("touchEnd");
  await reads("three one two");
  await page.locator("#queue-moved").filter({ hasText: "Position 1 of 3" }).waitFor();
  // The row itself is no handle: the page scrolls, and the jobs stay.
  await page.evaluate(() => {
    document.body.style.paddingBlockEnd = "2000px";
    scrollTo({ top: 0, behavior: "instant" });
    const order = /** @type {string[]} */ ([]);
    const list = /** @type {HTMLElement} */ (document.getElementById("jobs"));
    const read = () => [...list.querySelectorAll("p")].map((it) => it.textContent).join(" ");
    const watch = new MutationObserver(() => order.push(read()));
    watch.observe(list, { childList: true });
    Object.assign(globalThis, { order });
  });
  await jobs.nth(2).evaluate((it) => it.scrollIntoView({ block: "center" }));
  const before = await page.evaluate(() => scrollY);
  const row = await box(jobs.nth(2).locator("p"));
  const [left, top] = [row.x + 10, row.y + row.height / 2];
  await touch("touchStart", [left, top]);
  for (const by of [20, 60, 120, 160]) await touch("touchMove", [left, top - by]);
  await touch("touchEnd");
  await page.waitForFunction((from) => scrollY > from + 60, before);
  await reads("three one two");
  // The list may be made anew, but in no other order, not even for a moment.
  const orders = /** @type {string[]} */ (await page.evaluate("order"));
  assert.deepEqual(
    orders.filter((one) => one !== "three one two"),
    [],
  );
});

test("a run ends after its present image, which is kept", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: "#steps=100" });
  await state("ready");
  await type({ prompt: "one by one", seed: "5", count: "4" });
  await page.locator("#generate").press("Enter");
  const after = page
    .locator("#main-actions")
    .getByRole("button", { name: "Stop after this image" });
  await after.waitFor();
  await after.press("Enter");
  assert.equal(await after.getAttribute("aria-pressed"), "true");
  await page.locator("#progress-text").filter({ hasText: "Stopped after 1 image." }).waitFor();
  await page.locator('[data-view="gallery"]').click();
  await page.waitForFunction(() => document.querySelectorAll("#images li").length === 1);
  await page.locator('[data-view="create"]').click();
  assert.equal(await after.isVisible(), false);
});

test("the queue ends after the present image, and the rest of the job waits", async (t) => {
  const { page, state, type } = await visit(t, { server, hash: "#steps=60" });
  const { enter } = queue(page);
  const status = page.locator("#queue-status");
  await state("ready");
  await type({ prompt: "one by one", count: "3", seed: "7" });
  await page.locator("#to-queue").click();
  await type({ prompt: "other", count: "1" });
  await page.locator("#to-queue").click();
  await enter();
  await page.locator("#queue-run").click();
  // Two wait before the run begins, too.
  await status.filter({ hasText: "1 running" }).waitFor();
  await page
    .locator("#queue-actions")
    .getByRole("button", { name: "Stop after this image" })
    .click();
  await status.filter({ hasText: /^2 waiting$/ }).waitFor();
  await page.locator("#queue-run").click();
  await status.filter({ hasText: "2 done" }).waitFor();
  await page.locator('[data-view="gallery"]').click();
  await page.waitForFunction(() => document.querySelectorAll("#images li").length === 4);
  // Each seed once; the viewer is loaded when it is first opened.
  await page.locator("#images li button").first().press("Enter");
  for (const seed of ["7", "9", "8", "7"]) {
    await page
      .locator("#viewer-facts")
      .filter({ hasText: `seed ${seed}` })
      .waitFor();
    await page.keyboard.press("ArrowRight");
  }
});

test("a pause of the queue is told as one after the present job", async (t) => {
  // The first one is still at work when the pause is asked for.
  const { page, state } = await visit(t, { server, hash: "#steps=100" });
  const { enter, add } = queue(page);
  await state("ready");
  await enter();
  await add("one\ntwo");
  await page.locator("#queue-run").click();
  const status = page.locator("#queue-status");
  await status.filter({ hasText: "1 running" }).waitFor();
  await page.locator("#queue-run").click();
  await status.filter({ hasText: "The queue pauses after the current job." }).waitFor();
  await status.filter({ hasText: /^1 waiting, 1 done$/ }).waitFor();
});
