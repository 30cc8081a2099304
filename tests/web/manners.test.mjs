// Manners of every view: the keyboard reaches everything, nothing is cut at 200 % or from right to
// left, nothing moves for those who want no motion. A double stands in the engine's place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

/** @typedef {Awaited<ReturnType<typeof visit>>} App */

/**
 * A page with two pictures, job and fault, so that no view is empty.
 * @param {import("node:test").TestContext} t
 * @param {Parameters<typeof visit>[1]} more
 */
async function furnished(t, more = {}) {
  const app = await visit(t, { server, hash: "#steps=3", ...more });
  const { page, state, type, generate, make } = app;
  await state("ready");
  await type({ prompt: "lose the device" });
  await generate.click();
  await state("error");
  const long = "Donaudampfschifffahrtsgesellschaftskapitän".repeat(3);
  await make({ prompt: long });
  await make({ prompt: "a red cat" });
  await page.locator("#settings").evaluate((settings) => settings.setAttribute("open", ""));
  await page.locator("#to-queue").click();
  return app;
}

/**
 * @param {App} app
 * @param {(room: string) => Promise<void>} look
 */
async function throughViews({ page }, look) {
  const doors = page.locator("#views button");
  const rooms = await doors.evaluateAll((all) => all.map((door) => door.dataset["view"] ?? ""));
  assert.ok(rooms.length >= 5, rooms.join());
  // These are loaded when they are first shown: before, here.
  await page.evaluate(async () => {
    for (const view of ["comparing", "speeding"])
      await import(new URL(`views/${view}.js`, document.baseURI).href);
  });
  for (const room of rooms) {
    await page.locator(`[data-view="${room}"]`).click();
    await page.evaluate(() =>
      document.querySelectorAll("details").forEach((details) => (details.open = true)),
    );
    // Lists of models and pictures are read before they are shown: until nothing more comes.
    await page.evaluate(
      () =>
        new Promise((done) => {
          let timer = setTimeout(done, 300);
          new MutationObserver(() => {
            clearTimeout(timer);
            timer = setTimeout(done, 300);
          }).observe(document.body, { subtree: true, childList: true, attributes: true });
        }),
    );
    await look(room);
  }
}

/** @param {App} app what is wider than the page */
async function nothingCut({ page }, /** @type {string} */ room) {
  const {
    wide,
    room: has,
    out,
  } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const out = [...document.querySelectorAll("main *, footer *, header *, #library *")]
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        const scrolls = element.closest("#views, .scroll, .strip, pre");
        return width > 1 && !scrolls && (left < -1 || right > clientWidth + 1);
      })
      .map((element) => element.outerHTML.slice(0, 80));
    return { wide: scrollWidth, room: clientWidth, out };
  });
  assert.deepEqual(out, [], room);
  assert.ok(wide <= has, `${room}: ${wide} pixels wide, ${has} there are`);
}

test("Tab reaches every control of every view, and each shows that it has the focus", async (t) => {
  const app = await furnished(t);
  const { page } = app;
  await throughViews(app, async (room) => {
    const wanted = await page.evaluate(() => {
      const all = document.querySelectorAll(
        "a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, " +
          "[tabindex='0']",
      );
      const seen = [...all].filter(
        (element) =>
          element.checkVisibility({ visibilityProperty: true }) &&
          !element.closest("dialog:not([open])") &&
          // To the others of its group go the arrows.
          !element.matches("[type='radio']:not(:checked)"),
      );
      seen.forEach((element, i) => element.setAttribute("data-tab", String(i)));
      /** @type {HTMLElement | undefined} */ (seen[0])?.focus();
      return seen.length;
    });
    const reached = new Set(["0"]);
    for (let i = 0; i < wanted + 3 && reached.size < wanted; i++) {
      await page.keyboard.press("Tab");
      const { tab, shown } = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return { tab: null, shown: true };
        // A hidden file input shows it on its label, or on its neighbour.
        const { labels } = /** @type {any} */ (element);
        const near = [element, ...(labels ?? []), element.parentElement];
        const outlined = near.some((one) => one && getComputedStyle(one).outlineStyle !== "none");
        return { tab: element.getAttribute("data-tab"), shown: outlined };
      });
      if (tab === null) continue;
      reached.add(tab);
      assert.ok(shown, `${room}: control ${tab} does not show the focus`);
    }
    const missing = await page.evaluate(
      (tabs) =>
        [...document.querySelectorAll("[data-tab]")]
          .filter((element) => !tabs.includes(element.getAttribute("data-tab") ?? ""))
          .map((element) => element.outerHTML.slice(0, 90)),
      [...reached],
    );
    assert.deepEqual(missing, [], room);
    await page.evaluate(() =>
      document.querySelectorAll("[data-tab]").forEach((one) => one.removeAttribute("data-tab")),
    );
  });
});

test("no sentence that appears moves the buttons away under the mouse", async (t) => {
  const context = { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 };
  const { page, state, type, generate } = await visit(t, { server, hash: "#steps=3", context });
  await state("ready");
  /** In the page: to type scrolls to the prompt. @param {import("playwright-core").Locator} one */
  const top = (one) => one.evaluate((element) => element.getBoundingClientRect().y + scrollY);
  const place = () => top(generate);
  await type({ prompt: "a red cat" });
  await generate.scrollIntoViewIfNeeded();
  const before = await place();
  await type({ prompt: "lose the device" });
  await page.locator("#unknown").waitFor();
  // The count of tokens that comes beside the label makes its row a fraction of a pixel higher.
  const moved = Math.abs((await place()) - before);
  assert.ok(moved < 1, `what the model does not know: ${moved} px`);
  await generate.click();
  await state("error");
  const fault = page.locator("#fault");
  await fault.waitFor();
  const below = (await top(fault)) - (await place());
  assert.ok(below > 0, `a fault stands below: ${below}`);
});

test("at 200 % nothing is cut and nothing needs scrolling sideways", async (t) => {
  // What a window of 1280 × 900 has room for when everything is twice as large.
  const context = { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 };
  const app = await furnished(t, { context });
  await throughViews(app, (room) => nothingCut(app, room));
});

test("from right to left nothing is cut, and the arrows turn around", async (t) => {
  const app = await furnished(t);
  const { page } = app;
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  await throughViews(app, (room) => nothingCut(app, room));
  const sides = await page.evaluate(() => {
    const centre = (/** @type {string} */ selector) => {
      const { left, right } = /** @type {Element} */ (
        document.querySelector(selector)
      ).getBoundingClientRect();
      return (left + right) / 2;
    };
    return { logo: centre("#logo"), doors: centre("#views") };
  });
  assert.ok(sides.logo > sides.doors, "the page is mirrored");
  await page.locator('[data-view="gallery"]').click();
  await page.locator("#images li button").first().click();
  await page.keyboard.press("ArrowLeft");
  await page.locator("#viewer-previous:enabled").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator("#viewer-previous:disabled").waitFor({ state: "attached" });
});

test("nothing moves for those who want no motion", async (t) => {
  const moving = async (/** @type {"reduce" | "no-preference"} */ reducedMotion) => {
    const { page, state, type, generate, cancel, stepping } = await visit(t, {
      server,
      context: { reducedMotion },
    });
    await state("ready");
    await type({ steps: "500" });
    await generate.click();
    await stepping();
    const running = await page.evaluate(
      () => document.getAnimations().filter(({ playState }) => playState === "running").length,
    );
    await cancel.click();
    await state("ready");
    return running;
  };
  assert.ok((await moving("no-preference")) > 0, "else the test sees nothing");
  assert.equal(await moving("reduce"), 0);
});

test("the finished picture is in view, on a phone and at 200 %", async (t) => {
  const sizes = /** @type {const} */ ([
    [390, 844],
    [720, 450],
    [320, 640],
  ]);
  for (const [width, height] of sizes) {
    for (const reducedMotion of /** @type {const} */ (["reduce", "no-preference"])) {
      const context = { viewport: { width, height }, hasTouch: true, reducedMotion };
      const { page, state, generate } = await visit(t, { server, context, hash: "#steps=3" });
      await state("ready");
      for (const begin of [() => generate.tap(), () => generate.click()]) {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        await begin();
        await page.locator("#progress-text").filter({ hasText: "ready after" }).waitFor();
        await page.waitForFunction(() => document.documentElement.dataset["state"] === "ready");
        const seen = () =>
          page.evaluate(() => {
            const canvas = /** @type {HTMLElement} */ (document.getElementById("canvas"));
            const { top, bottom } = canvas.getBoundingClientRect();
            return { top, bottom, room: innerHeight };
          });
        await page.waitForFunction(() => {
          const box = document.getElementById("canvas")?.getBoundingClientRect();
          return box && box.top >= -1 && box.bottom <= innerHeight + 1;
        });
        // Scrolling may take a moment, and has an end.
        let before = await seen();
        for (let i = 0; i < 100; i++) {
          await page.waitForTimeout(50);
          const now = await seen();
          if (now.top === before.top && i > 5) break;
          before = now;
        }
        const { top, bottom, room } = await seen();
        const text = `${width} × ${height}, ${reducedMotion}: ${top} to ${bottom} of ${room}`;
        assert.ok(top >= -1 && bottom <= room + 1, text);
      }
    }
  }
});

test("on a phone every view can be reached, by thumbs", async (t) => {
  for (const width of [390, 320]) {
    const context = { viewport: { width, height: 700 }, hasTouch: true, isMobile: true };
    const { page, state } = await visit(t, { server, context });
    await state("ready");
    const boxes = await page
      .locator("#views button")
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
    for (const { left, right, height } of boxes) {
      assert.ok(left >= 0 && right <= width, `${width}: ${left} to ${right}`);
      assert.ok(height >= 44, `${height} pixels high`);
    }
  }
});
