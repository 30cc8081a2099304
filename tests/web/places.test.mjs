// Where the user is: views and what is open in the browser's history, the form over visits, what
// leaving would lose. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped, pngWith } from "./harness/files.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/** @typedef {Awaited<ReturnType<typeof visit>>} App */

/** @param {App} app @param {string} room which is seen, and named by the title */
async function isIn({ page }, room) {
  await page.locator(`#view-${room}`).waitFor();
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll("main > section[id^=view-]")].every(
        (section) => /** @type {HTMLElement} */ (section).hidden === (section.id !== wanted),
      ),
    `view-${room}`,
  );
}

/** @param {App} app @param {string} room */
const enter = ({ page }, room) => page.locator(`#views [data-view="${room}"]`).click();

test("Back and Forward go between views, and the form stays as it is", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2" });
  const { page, state, type } = app;
  await state("ready");
  await enter(app, "gallery");
  await isIn(app, "gallery");
  await page.waitForFunction(() => location.hash.includes("room=gallery"));
  assert.equal(await page.title(), "Gallery · Darkroom");
  await enter(app, "queue");
  await page.waitForFunction(() => document.title === "Queue · Darkroom");
  await page.goBack();
  await isIn(app, "gallery");
  await enter(app, "create");
  await type({ prompt: "typed later", steps: "9" });
  await page.goBack();
  await isIn(app, "gallery");
  await page.goBack();
  await isIn(app, "create");
  assert.equal(await page.title(), "Darkroom");
  assert.equal(await page.locator("#prompt").inputValue(), "typed later");
  assert.equal(await page.locator("#steps").inputValue(), "9");
  await page.goForward();
  await isIn(app, "gallery");
  // No other model was opened on the way, and none again.
  assert.equal(await page.evaluate(() => document.documentElement.dataset["state"]), "ready");
});

test("a reload stays in the view, and its address leads there", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2" });
  await app.state("ready");
  await enter(app, "gallery");
  await isIn(app, "gallery");
  await app.page.reload();
  await app.state("ready");
  await isIn(app, "gallery");
});

test("Back closes an open picture, also after a reload, and does not leave the site", async (t) => {
  const app = await visit(t, { server, hash: "#steps=2" });
  const { page, state, make } = app;
  const viewer = page.locator("#viewer");
  await state("ready");
  await make({ prompt: "first", seed: "1" });
  await make({ prompt: "second", seed: "2" });
  await enter(app, "gallery");
  await page.locator("#images li button").first().click();
  await viewer.waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator("#viewer-prompt").filter({ hasText: "first" }).waitFor();
  await page.goBack();
  await viewer.waitFor({ state: "hidden" });
  await isIn(app, "gallery");

  // Closed in the page it leaves no step behind.
  await page.locator("#images li button").first().click();
  await viewer.waitFor();
  await page.keyboard.press("Escape");
  await viewer.waitFor({ state: "hidden" });
  await page.waitForFunction(() => !history.state.open);
  await page.goBack();
  await isIn(app, "create");
  await page.goForward();
  await isIn(app, "gallery");

  await page.locator("#images li button").first().click();
  await viewer.waitFor();
  await page.reload();
  await state("ready");
  await viewer.waitFor();
  await page.locator("#viewer-prompt").filter({ hasText: "second" }).waitFor();
  await page.goBack();
  await viewer.waitFor({ state: "hidden" });
  await isIn(app, "gallery");

  // Used again, the form is seen; Back is the gallery, not the picture.
  await page.locator("#images li button").first().click();
  await page.getByRole("button", { name: "Reuse these settings" }).click();
  await isIn(app, "create");
  await page.goBack();
  await isIn(app, "gallery");
  assert.equal(await viewer.isVisible(), false);
});

test("a link opened in a tab that has the page replaces the form", async (t) => {
  const hash = "#prompt=a+red+star&seed=3&count=3&negative_prompt=blur&steps=33&clip_skip=2&odd=1";
  const app = await visit(t, { server, hash });
  const { page, state } = app;
  const value = (/** @type {string} */ id) => page.locator(`#${id}`).inputValue();
  await state("ready");
  await page.evaluate(() => (location.hash = "#prompt=a+blue+fish&seed=7&device=webgpu"));
  await page.waitForFunction(
    () => /** @type {HTMLInputElement} */ (document.getElementById("seed")).value === "7",
  );
  const found = await Promise.all(
    ["prompt", "steps", "negative_prompt", "count", "clip_skip"].map(value),
  );
  assert.deepEqual(found, ["a blue fish", "20", "", "1", "1"]);
  assert.equal(await page.locator("#extras button").count(), 0);
  assert.doesNotMatch(page.url(), /steps=|count=|odd=/);

  // The former form is one step back.
  await page.goBack();
  await page.waitForFunction(
    () => /** @type {HTMLInputElement} */ (document.getElementById("seed")).value === "3",
  );
  assert.deepEqual([await value("prompt"), await value("steps")], ["a red star", "33"]);
  // A link that says nothing of a request leaves the form alone.
  await page.evaluate(() => (location.hash = "#room=queue&device=webgpu"));
  await isIn(app, "queue");
  assert.equal(await value("prompt"), "a red star");
});

test("a link is followed that comes as the form is about to be written into the URL", async (t) => {
  const app = await visit(t, { server, hash: "#prompt=a+red+star&seed=3" });
  const { page, state } = app;
  await state("ready");
  await page.evaluate(() => {
    const steps = /** @type {HTMLInputElement} */ (document.getElementById("steps"));
    steps.value = "9";
    steps.dispatchEvent(new Event("input", { bubbles: true }));
    // Both timers are late: the page's comes between this one's and `hashchange`.
    setTimeout(() => (location.hash = "#prompt=a+blue+fish&seed=7"), 200);
    for (const end = performance.now() + 600; performance.now() < end;);
  });
  await page.waitForFunction(
    () => /** @type {HTMLInputElement} */ (document.getElementById("seed")).value === "7",
  );
  assert.equal(await page.locator("#prompt").inputValue(), "a blue fish");
  await page.waitForFunction(() => location.hash.includes("seed=7"));
});

test("the link of a picture carries its seed and settings, the form's own does not", async (t) => {
  const context = { permissions: ["clipboard-read", "clipboard-write"] };
  const { page, state, make, site } = await visit(t, { server, context, hash: "#steps=2" });
  const copied = async () => new URL(await page.evaluate(() => navigator.clipboard.readText()));
  const fields = async () => new URLSearchParams((await copied()).hash.slice(1));
  await state("ready");
  await make({ prompt: "a red star", steps: "4", count: "2", sampler: "euler" });
  const text = (await page.locator("#caption-facts").textContent()) ?? "";
  const seed = /seed (\d+)/.exec(text)?.[1] ?? "none";
  // What is typed afterwards is no part of the picture.
  await page.locator("#prompt").fill("something else");
  await page.getByRole("button", { name: "Copy link", exact: true }).click();
  await page.locator("#progress-text").filter({ hasText: "The link is copied." }).waitFor();
  const link = await fields();
  assert.equal((await copied()).origin, new URL(site.url).origin);
  assert.deepEqual(
    ["prompt", "steps", "sampler", "seed", "count"].map((name) => link.get(name)),
    ["a red star", "4", "euler", seed, null],
  );
  await page.getByRole("button", { name: "Copy link to this form" }).click();
  await page.waitForFunction(async () =>
    (await navigator.clipboard.readText()).includes("something"),
  );
  const own = await fields();
  assert.deepEqual([own.get("prompt"), own.get("seed")], ["something else", null]);
  assert.equal(own.get("count"), "2");

  // And of one in the gallery, told where the user is.
  await page.locator("#strip button").nth(1).click();
  await page.locator("#viewer").getByRole("button", { name: "Copy link" }).click();
  await page.locator("#viewer-told").filter({ hasText: "The link is copied." }).waitFor();
  assert.equal((await fields()).get("seed"), String(BigInt(seed) - 1n));
});

test("the form is kept for a visit of the bare address, its first picture too", async (t) => {
  const { page, state, type, site } = await visit(t, { server });
  await state("ready");
  await type({ prompt: "kept", negative_prompt: "grey", steps: "9" });
  await dropped(page, "photo.png", pngWith({}));
  await page.locator("#initial-box").waitFor();
  await page.getByRole("slider", { name: "Strength" }).fill("0.45");
  await page.waitForFunction(() => localStorage["darkroom.form"]?.includes("0.45"));
  const look = async () => {
    await page.locator("#initial-box").waitFor();
    const ids = ["prompt", "negative_prompt", "steps", "strength"];
    const found = await Promise.all(ids.map((id) => page.locator(`#${id}`).inputValue()));
    assert.deepEqual(found, ["kept", "grey", "9", "0.45"]);
  };
  await page.reload();
  await state("ready");
  await look();
  await page.goto("about:blank");
  await page.goto(`${site.url}#device=webgpu`);
  await state("ready");
  await look();
  // A link says what is in the form, and nothing of what was there.
  await page.goto("about:blank");
  await page.goto(`${site.url}#device=webgpu&prompt=another`);
  await state("ready");
  assert.equal(await page.locator("#prompt").inputValue(), "another");
  assert.equal(await page.locator("#steps").inputValue(), "20");
  assert.equal(await page.locator("#initial-box").isVisible(), false);
});

test("a link that comes while the page restores its draft is followed", async (t) => {
  const app = await visit(t, { server, hash: "" });
  const { page, state, type } = app;
  await state("ready");
  await type({ prompt: "kept" });
  await dropped(page, "photo.png", pngWith({}));
  await page.locator("#initial-box").waitFor();
  await page.waitForFunction(() => localStorage["darkroom.form"]?.includes("initial"));
  // The link comes as the page begins to read the start image.
  await page.addInitScript(() => {
    const { get } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.get = function (...key) {
      if (this.name === "initials") location.hash = "#prompt=another&device=webgpu";
      return get.apply(this, key);
    };
  });
  await page.reload();
  await page.waitForFunction(
    () => /** @type {HTMLTextAreaElement} */ (document.getElementById("prompt")).value !== "",
  );
  await state("ready");
  await page.waitForTimeout(500);
  assert.equal(await page.locator("#prompt").inputValue(), "another");
  assert.equal(await page.locator("#initial-box").isVisible(), false);
});

test("what went wrong is told in the view where it did, and stays there", async (t) => {
  const app = await visit(t, { server });
  const { page, state, alert } = app;
  await state("ready");
  await enter(app, "queue");
  await dropped(page, "notes.docx", Buffer.from("no list"));
  await page.locator("#view-queue").getByRole("alert").filter({ hasText: "notes.docx" }).waitFor();
  await isIn(app, "queue");
  await enter(app, "create");
  assert.equal(await alert.isVisible(), false);
});

test("leaving while a picture is made asks first, and only then", async (t) => {
  const { page, state, type, generate, stepping, cancel } = await visit(t, { server });
  await state("ready");
  const asks = () =>
    page.evaluate(() => {
      const leave = new Event("beforeunload", { cancelable: true });
      dispatchEvent(leave);
      return leave.defaultPrevented;
    });
  assert.equal(await asks(), false);
  await type({ steps: "500" });
  await generate.click();
  await stepping();
  assert.equal(await asks(), true);
  const asking = page.waitForEvent("dialog");
  await page.evaluate(() => setTimeout(() => location.reload()));
  const dialog = await asking;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.dismiss();
  await cancel.click();
  await state("ready");
  assert.equal(await asks(), false);
});

test("a very long prompt leaves the page, its address and its links usable", async (t) => {
  const context = { permissions: ["clipboard-read", "clipboard-write"] };
  const { page, state } = await visit(t, { server, context, hash: "#steps=2" });
  await state("ready");
  await page.locator("#prompt").fill("word ".repeat(200_000));
  await page
    .locator("#cut")
    .filter({ hasText: /and 199,9\d\d more words$/ })
    .waitFor();
  const height = await page.locator("#cut").evaluate((element) => element.clientHeight);
  assert.ok(height < 120, `${height} pixels high`);
  const { bottom } = await page.locator("#generate").evaluate((one) => one.getBoundingClientRect());
  assert.ok(bottom < 900, `Generate ends at ${bottom}`);
  await page.waitForFunction(() => (localStorage["darkroom.form"]?.length ?? 0) > 1_000_000);
  assert.ok(page.url().length < 9000, `${page.url().length} characters`);
  await page.getByRole("button", { name: "Copy link to this form" }).click();
  await page.locator("#progress-text").filter({ hasText: "too long for a link" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(copied.includes("steps=2") && copied.length < 9000);
  // Two thousand characters still are in the address.
  await page.locator("#prompt").fill("word ".repeat(400));
  await page.waitForFunction(() => location.hash.length > 1900);
});

test("the first Tab leads past the views, to what this one is for", async (t) => {
  const app = await visit(t, { server });
  const { page, state } = app;
  await state("ready");
  await page.keyboard.press("Tab");
  const skip = page.locator("#skip");
  assert.ok(((await skip.boundingBox())?.y ?? -1) >= 0, "it is seen when it has the focus");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "prompt");
  assert.doesNotMatch(page.url(), /#prompt/);
});

test("links and history of an older version lead to the views that they name", async (t) => {
  const app = await visit(t, { server, hash: "#room=develop&steps=2" });
  const { page, state } = app;
  await state("ready");
  await isIn(app, "create");
  await page.evaluate(() => {
    const { visit, open } = history.state;
    history.replaceState({ visit, open, room: "queue" }, "");
  });
  await enter(app, "gallery");
  await isIn(app, "gallery");
  await page.goBack();
  await isIn(app, "queue");
});
