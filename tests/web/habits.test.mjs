// What people are used to who make many images: several deletions undone, images selected by mouse,
// keys and touch, one image large, and on the clipboard. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";
import { longOffers } from "./harness/undo.mjs";

const server = { roots: DOUBLE };

/**
 * A gallery of four: the first is the latest.
 * @param {import("node:test").TestContext} t
 * @param {Partial<Parameters<typeof visit>[1]>} [more]
 */
async function four(t, more = {}) {
  const app = await visit(t, { server, hash: "#steps=1", before: longOffers, ...more });
  const { page } = app;
  await app.state("ready");
  for (const [seed, prompt] of ["old dog", "old cat", "new dog", "new cat"].entries())
    await app.make({ prompt, seed: String(seed) });
  const enter = () => page.locator('[data-view="gallery"]').click();
  await enter();
  const prints = page.locator("#images li");
  /** @param {number} count */
  const holds = (count) =>
    page.waitForFunction(
      (wanted) => document.querySelectorAll("#images li").length === wanted,
      count,
    );
  await holds(4);
  return {
    ...app,
    ...{ enter, prints, holds },
    button: (/** @type {number} */ at) => prints.nth(at).getByRole("button"),
    names: () =>
      page.locator("#images li button").evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel)),
    checked: () =>
      page
        .locator("#images li")
        .evaluateAll((all) =>
          all.flatMap((one, at) => (one.querySelector(":checked") ? [at] : [])),
        ),
    focus: () =>
      page.evaluate(
        () => document.activeElement?.closest("li")?.querySelector("button")?.ariaLabel,
      ),
  };
}

test("several deletions come back one after another, and a reload ends the offer", async (t) => {
  const app = await four(t);
  const { page, holds, button, names, state, enter } = app;
  const text = page.locator("#undo-text");
  await button(0).focus();
  await page.keyboard.press("Delete");
  await holds(3);
  await button(1).focus();
  await page.keyboard.press("Delete");
  await holds(2);
  assert.deepEqual(await names(), ["new dog", "old dog"]);
  await text.filter({ hasText: "1 more can be undone" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await holds(3);
  await text.filter({ hasText: /^1 image is deleted\.$/ }).waitFor();
  // The keys do it too, outside of text fields.
  await button(0).focus();
  await page.keyboard.press("Control+z");
  await holds(4);
  assert.deepEqual(await names(), ["new cat", "new dog", "old cat", "old dog"]);
  assert.equal(await page.locator("#undo").isVisible(), false);
  await page.keyboard.press("Control+z");

  await t.test("in a text field the keys undo what was typed", async () => {
    await button(3).focus();
    await page.keyboard.press("Delete");
    await holds(3);
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.focus();
    await page.keyboard.type("cat");
    await holds(2);
    await page.keyboard.press("Control+z");
    assert.notEqual(await search.inputValue(), "cat");
    await search.fill("");
    await holds(3);
  });
  await t.test("after a reload each is there once, or gone", async () => {
    await page.getByRole("button", { name: "Undo" }).click();
    await holds(4);
    await button(0).focus();
    await page.keyboard.press("Delete");
    await holds(3);
    await page.reload();
    await state("ready");
    await enter();
    await holds(3);
    assert.deepEqual(await names(), ["new dog", "old cat", "old dog"]);
    assert.equal(await page.locator("#undo").isVisible(), false);
  });
});

test("undo spans gallery, queue and styles, and a style made meanwhile stays", async (t) => {
  const { page, holds, button, names } = await four(t);
  /** @param {string} name */
  const style = async (name) => {
    await page.locator("#style-save").click();
    await page.locator("#style-name").fill(name);
    await page.locator("#style-dialog .primary").click();
  };
  const styles = () => page.locator("#style option").allTextContents();
  await page.locator('[data-view="create"]').click();
  await page.getByText("Styles", { exact: true }).click();
  await style("one");
  await page.locator("#style-delete").click();
  await style("two");
  await page.locator("#to-queue").click();
  await page.locator('[data-view="queue"]').click();
  await page
    .locator("#jobs")
    .getByRole("button", { name: /^Remove/ })
    .click();
  await page.locator('[data-view="gallery"]').click();
  await button(0).focus();
  // A key that is held down deletes one image.
  for (let i = 0; i < 4; i++) await page.keyboard.down("Delete");
  await page.keyboard.up("Delete");
  await holds(3);
  for (let i = 0; i < 3; i++) await page.locator("#undo-act").click();
  await holds(4);
  assert.equal((await names())[0], "new cat");
  assert.deepEqual(await styles(), ["none", "one", "two"]);
  await page.locator('[data-view="queue"]').click();
  await page.locator("#jobs li").waitFor();
});

test("images are selected by mouse and by keys, and marked as favourites", async (t) => {
  const { page, prints, button, checked, focus } = await four(t);
  await button(0).click({ modifiers: ["Control"] });
  assert.deepEqual(await checked(), [0]);
  await button(2).click({ modifiers: ["Shift"] });
  assert.deepEqual(await checked(), [0, 1, 2]);
  await button(1).click({ modifiers: ["Control"] });
  assert.deepEqual(await checked(), [0, 2]);
  assert.equal(await page.locator("#viewer").isVisible(), false);

  await page.keyboard.press("Escape");
  await button(0).focus();
  await page.keyboard.press("Space");
  assert.deepEqual(await checked(), [0]);
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  assert.deepEqual(await checked(), [0, 1, 2]);
  await page.keyboard.press("Shift+ArrowLeft");
  assert.deepEqual(await checked(), [0, 1]);
  assert.equal(await focus(), "new dog");
  await page.locator("#selection-facts").filter({ hasText: "2 selected" }).waitFor();

  await page.getByRole("button", { name: "Add to favourites (2)" }).click();
  await page.getByRole("button", { name: "Remove from favourites (2)" }).waitFor();
  assert.equal(await page.locator("#images .star").count(), 2);
  await page.getByRole("checkbox", { name: "Favourites" }).check();
  await page.waitForFunction(() => document.querySelectorAll("#images li").length === 2);
  assert.deepEqual(await seriousFaults(page), []);
  await page.getByRole("button", { name: "Remove from favourites (2)" }).click();
  await page.getByText("No matches.").waitFor();
  await page.getByRole("checkbox", { name: "Favourites" }).uncheck();
  await page.keyboard.press("Escape");
  // Enter opens still.
  await button(3).press("Enter");
  await page.locator("#viewer").waitFor();
  assert.equal(await prints.count(), 4);
});

test("a long press selects, then taps do", async (t) => {
  const context = { hasTouch: true, viewport: { width: 390, height: 844 } };
  const { page, button } = await four(t, { context });
  /** A tap becomes a click a moment later. @param {number[]} wanted the places of those selected */
  const selects = (...wanted) =>
    page.waitForFunction((wanted) => {
      const all = [...document.querySelectorAll("#images li")];
      const at = all.flatMap((one, at) => (one.querySelector(":checked") ? [at] : []));
      return at.join() === wanted.join();
    }, wanted);
  const cdp = await page.context().newCDPSession(page);
  await button(1).scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await button(1).boundingBox()) ?? assert.fail("no image");
  const at = [{ x: x + width / 2, y: y + height / 2 }];
  await cdp.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at });
  await page.waitForFunction(() => document.querySelector("#images :checked"));
  await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await selects(1);
  await button(2).tap();
  await selects(1, 2);
  await button(1).tap();
  await button(2).tap();
  await selects();
  // With nothing selected a tap opens.
  await button(0).tap();
  await page.locator("#viewer").waitFor();
});

/** @param {import("playwright-core").Page} page */
const transform = (page) =>
  page.locator("#viewer-image").evaluate((image) => image.style.transform);
/** @param {import("playwright-core").Page} page @param {string} name */
const shows = (page, name) => page.locator("#viewer-prompt").filter({ hasText: name }).waitFor();

test("the viewer: keys go through, zoom and move; the focus returns to the image", async (t) => {
  const { page, button, focus } = await four(t);
  await button(0).press("Enter");
  await shows(page, "new cat");
  await page.getByText("Image 1 of 4").waitFor();
  await page.waitForFunction(
    () => /** @type {HTMLImageElement} */ (document.getElementById("viewer-image")).naturalWidth,
  );
  await page.keyboard.press("End");
  await shows(page, "old dog");
  await page.keyboard.press("Home");
  await shows(page, "new cat");
  await page.keyboard.press("ArrowRight");
  await shows(page, "new dog");

  assert.equal(await transform(page), "");
  await page.keyboard.press("+");
  assert.match(await transform(page), /scale\(1\.5\)/);
  await page.locator("#viewer-zoom").filter({ hasText: "150 %" }).waitFor();
  await page.keyboard.press("+");
  const before = await transform(page);
  // Enlarged, the arrows move it.
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await transform(page), before);
  await shows(page, "new dog");
  await page.keyboard.press("-");
  await page.keyboard.press("0");
  assert.equal(await transform(page), "");
  await page.keyboard.press("+");
  await page.keyboard.press("PageDown");
  await shows(page, "old cat");
  assert.equal(await transform(page), "");
  assert.deepEqual(await seriousFaults(page), []);
  await page.keyboard.press("Escape");
  await page.locator("#viewer").waitFor({ state: "hidden" });
  await page.waitForFunction(() => document.activeElement?.closest("#images"));
  assert.equal(await focus(), "old cat");
});

test("the viewer: Delete deletes one image, and Undo brings it back", async (t) => {
  const { page, button, holds, names } = await four(t);
  await button(1).press("Enter");
  await shows(page, "new dog");
  // A key that is held down deletes one image.
  for (let i = 0; i < 4; i++) await page.keyboard.down("Delete");
  await page.keyboard.up("Delete");
  await shows(page, "old cat");
  await page.getByText("Image 2 of 3").waitFor();
  await page.keyboard.press("Delete");
  await shows(page, "old dog");
  const undo = page.locator("#viewer").getByRole("button", { name: "Undo" });
  await undo.press("Enter");
  await page.keyboard.press("Escape");
  await holds(3);
  assert.deepEqual(await names(), ["new cat", "old cat", "old dog"]);
  // The offer goes on in the page.
  await page.locator("#undo-act").press("Enter");
  await holds(4);
  assert.deepEqual(await names(), ["new cat", "new dog", "old cat", "old dog"]);

  // With the last of them the viewer closes.
  await button(0).press("Enter");
  for (const name of ["new cat", "new dog", "old cat", "old dog"]) {
    await shows(page, name);
    await page.keyboard.press("Delete");
  }
  await page.locator("#viewer").waitFor({ state: "hidden" });
  await holds(0);
  for (let i = 1; i <= 4; i++) {
    await page.locator("#undo-act").press("Enter");
    await holds(i);
  }
  assert.deepEqual(await names(), ["new cat", "new dog", "old cat", "old dog"]);
});

test("the viewer: the wheel, a double click, a drag, and a click beside it", async (t) => {
  const { page, button } = await four(t);
  await button(1).click();
  await shows(page, "new dog");
  const image = page.locator("#viewer-image");
  await page.waitForFunction(
    () => /** @type {HTMLImageElement} */ (document.getElementById("viewer-image")).naturalWidth,
  );
  const box = (await image.boundingBox()) ?? assert.fail("no image");
  const [x, y] = [box.x + box.width / 4, box.y + box.height / 4];
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -600);
  await page.waitForFunction(() =>
    document.getElementById("viewer-image")?.style.transform.includes("scale"),
  );
  // What lies under the mouse stays there.
  const zoomed = (await image.boundingBox()) ?? assert.fail("no image");
  assert.ok(Math.abs((x - zoomed.x) / zoomed.width - 1 / 4) < 0.02);
  const former = await transform(page);
  await page.mouse.down();
  await page.mouse.move(x - 60, y - 40, { steps: 4 });
  await page.mouse.up();
  assert.notEqual(await transform(page), former);
  await page.mouse.dblclick(x, y);
  assert.equal(await transform(page), "");
  await page.mouse.dblclick(x, y);
  assert.match(await transform(page), /scale\(2/);
  await page.mouse.click(3, 3);
  await page.locator("#viewer").waitFor({ state: "hidden" });
});

test("the viewer: fingers swipe, pinch and tap", async (t) => {
  const context = { hasTouch: true, viewport: { width: 390, height: 844 } };
  const { page, button } = await four(t, { context });
  await button(1).tap();
  await shows(page, "new dog");
  await page.waitForFunction(
    () => /** @type {HTMLImageElement} */ (document.getElementById("viewer-image")).naturalWidth,
  );
  const cdp = await page.context().newCDPSession(page);
  /** @param {"touchStart" | "touchMove" | "touchEnd"} type @param {...[number, number]} points */
  const touch = (type, ...points) =>
    cdp.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(([x, y], id) => ({ x, y, id })),
    });
  const stage = page.locator(".viewer-picture");
  const box = (await stage.boundingBox()) ?? assert.fail("no stage");
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  /** @param {number} by */
  const swipe = async (by) => {
    await touch("touchStart", [x, y]);
    for (const part of [0.25, 0.5, 0.75, 1]) await touch("touchMove", [x + by * part, y]);
    await touch("touchEnd");
  };
  await swipe(-120);
  await shows(page, "old cat");
  await swipe(120);
  await shows(page, "new dog");
  await touch("touchStart", [x - 20, y], [x + 20, y]);
  for (const apart of [30, 45, 60]) await touch("touchMove", [x - apart, y], [x + apart, y]);
  await touch("touchEnd");
  await page.waitForFunction(() =>
    /scale\((2\.[5-9]|3)/.test(document.getElementById("viewer-image")?.style.transform ?? ""),
  );
  // Enlarged, a finger moves it.
  const former = await transform(page);
  await swipe(-100);
  await shows(page, "new dog");
  await page.waitForFunction(
    (former) => document.getElementById("viewer-image")?.style.transform !== former,
    former,
  );
  // Without a wait between them: two slow taps are no double tap.
  await Promise.all([page.touchscreen.tap(x, y), page.touchscreen.tap(x, y)]);
  await page.waitForFunction(() => !document.getElementById("viewer-image")?.style.transform);
});

test("an image is copied as PNG, from the result and from the viewer", async (t) => {
  const context = { permissions: ["clipboard-read", "clipboard-write"] };
  const { page, button } = await four(t, { context });
  const clipboard = () =>
    page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const file = await item?.getType("image/png");
      return file ? (await createImageBitmap(file)).width : 0;
    });
  await button(2).press("Enter");
  await shows(page, "old cat");
  await page.keyboard.press("Control+c");
  await page.locator("#viewer-told").filter({ hasText: "The image is copied." }).waitFor();
  assert.equal(await clipboard(), 64);
  await page.keyboard.press("Escape");
  await page.evaluate(() => navigator.clipboard.writeText("other"));
  await page.locator('[data-view="create"]').click();
  await page.locator("#copy-image").click();
  await page.locator("#progress-text").filter({ hasText: "The image is copied." }).waitFor();
  assert.equal(await clipboard(), 64);
  // The large image opens the viewer on itself.
  await page.locator("#canvas").click();
  await shows(page, "new cat");
});

test("where images cannot be copied there is no button for it", async (t) => {
  const before = () => Reflect.deleteProperty(globalThis, "ClipboardItem");
  const { page, button } = await four(t, { before });
  await button(0).click();
  await page.locator("#viewer").waitFor();
  assert.equal(await page.getByRole("button", { name: "Copy image" }).count(), 0);
});
