// The painter: a mask over a start image by mouse, touch, pen and keys; undone, saved, loaded; seen
// whole on every screen. A double stands in the engine's place.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import {
  CUT_OUT,
  PHOTO,
  SIDE,
  colourAt,
  masked,
  offered,
  open,
  paint,
  spotOf,
} from "./harness/editor.mjs";
import { dropped, pngOf } from "./harness/files.mjs";
import { decodePng } from "./harness/png.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";

/** @typedef {import("playwright-core").Page} Page */

const server = { roots: DOUBLE };

test("a mask is painted, undone, inverted, kept over a reload, and made use of", async (t) => {
  const { page, state, make } = await visit(t, { server, hash: "#steps=2" });
  await state("ready");
  await open(page);
  const [undo, redo] = [page.locator("#editor-undo"), page.locator("#editor-redo")];
  assert.deepEqual([await undo.isDisabled(), await redo.isDisabled()], [true, true]);
  await page.getByRole("slider", { name: "Brush size" }).fill("10");
  await paint(page, [12, 16], [52, 16]);
  const once = await masked(page);
  // A line of 40 and the two halves of a disc, of a brush of 10.
  assert.ok(Math.abs(once - (400 + 78.5) / SIDE ** 2) < 0.01, `${once}`);
  assert.ok((await masked(page, [12, 12, 40, 8])) > 0.99);
  assert.equal(await masked(page, [0, 24, SIDE, 40]), 0);
  await page.locator("#editor-status").filter({ hasText: "12 % of the picture" }).waitFor();

  await paint(page, [12, 48], [52, 48]);
  const twice = await masked(page);
  assert.ok(Math.abs(twice - 2 * once) < 0.01);
  await page.keyboard.press("Control+z");
  assert.equal(await masked(page), once);
  await page.keyboard.press("Control+Shift+z");
  assert.equal(await masked(page), twice);
  await undo.click();
  assert.equal(await masked(page), once);
  await page.keyboard.press("Control+y");
  assert.equal(await masked(page), twice);
  await page.getByRole("button", { name: "Eraser" }).click();
  await paint(page, [12, 48], [52, 48]);
  assert.equal(await masked(page), once);
  await page.getByRole("button", { name: "Brush", exact: true }).click();
  await paint(page, [12, 16], [52, 16], "right");
  assert.equal(await masked(page), 0, "the right button erases");
  await undo.click();
  await page.getByRole("button", { name: "Invert" }).click();
  assert.ok(Math.abs((await masked(page)) - (1 - once)) < 0.02);
  await page.getByRole("button", { name: "Invert" }).click();
  await page.getByRole("button", { name: "Done" }).click();

  // The settings of a mask are there now, with the words that are known from other programs.
  await page.locator("#mask-fields").waitFor();
  for (const label of ["Mask blur", "Masked content", "Inpaint area"])
    assert.equal(await page.getByLabel(label).isVisible(), true, label);
  assert.equal(await page.getByLabel(/Only masked padding/).isVisible(), false);
  await page.getByLabel("Inpaint area").selectOption("only masked");
  assert.equal(await page.getByLabel(/Only masked padding/).inputValue(), "32");
  // While the number is typed anew it is none; the number of before is the one at first.
  const padding = page.getByLabel(/Only masked padding/);
  await padding.fill("");
  await page.locator("#strength").evaluate((one) => one.dispatchEvent(new Event("input")));
  assert.equal(await page.getByLabel("Inpaint area").inputValue(), "masked");
  await padding.blur();
  assert.equal(await padding.inputValue(), "32");
  await page.getByLabel("Mask blur").fill("0");
  await page.getByLabel("Masked content").selectOption("noise");

  const check = async () => {
    await make({ prompt: "inside", seed: "3" });
    const picture = await offered(page);
    assert.deepEqual(colourAt(picture, 20, 40), [10, 20, 200], "outside the mask it stays");
    assert.deepEqual(colourAt(picture, 50, 60), [10, 20, 100]);
    assert.notDeepEqual(colourAt(picture, 30, 16), [10, 20, 200], "inside it is made anew");
    const request = JSON.parse(picture.texts.get("darkroom") ?? "null");
    const { mask_blur, masked_content, padding_mask_crop } = request;
    assert.deepEqual([mask_blur, masked_content, padding_mask_crop], [0, "noise", 32]);
    assert.equal("mask" in request, false);
    return picture;
  };
  const first = await check();
  const facts = page.locator("#caption-facts");
  assert.match((await facts.textContent()) ?? "", /from an image, strength 0\.8, inside a mask/);
  await page.waitForFunction(() => localStorage.getItem("darkroom.form")?.includes("inside"));
  await page.reload();
  await state("ready");
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
  assert.deepEqual((await check()).bytes, first.bytes, "after a reload");
  await page.getByRole("button", { name: "Edit mask" }).click();
  await page.locator("#editor-status").filter({ hasText: "12 % of the picture" }).waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
  assert.equal(await page.getByLabel("Mask blur").isVisible(), false);
});

test("a reload right after a stroke loses nothing", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page);
  await page.getByRole("slider", { name: "Brush size" }).fill("10");
  await page.waitForFunction(() => /initial/.test(localStorage.getItem("darkroom.form") ?? ""));
  await paint(page, [12, 16], [52, 16]);
  const once = await masked(page);
  assert.ok(once > 0.1);
  await page.reload();
  // The painter was open.
  await page.locator("#editor-status").filter({ hasText: "12 % of the picture" }).waitFor();
  assert.equal(await masked(page), once);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Discard mask" }).click();
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
  await page.waitForFunction(() => !/"mask"/.test(localStorage.getItem("darkroom.form") ?? ""));
  await page.reload();
  await state("ready");
  await page.getByRole("button", { name: "Paint mask" }).waitFor();
});

test("keys paint as well, and what they do is told", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page);
  const stage = page.locator("#editor-stage");
  const status = page.locator("#editor-status");
  assert.ok(await stage.evaluate((one) => one === document.activeElement), "it has the focus");
  await page.locator("#editor-size").fill("8");
  await stage.focus();
  await status.filter({ hasText: "Cursor at 32, 32 of 64 × 64" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await status.filter({ hasText: "Cursor at 30, 32" }).waitFor();
  await page.keyboard.press("Shift+ArrowUp");
  await status.filter({ hasText: "Cursor at 30, 22" }).waitFor();
  assert.equal(await masked(page), 0);
  assert.equal(await page.locator("#editor-ring").isVisible(), true);
  await page.keyboard.press("Enter");
  const dab = await masked(page);
  assert.ok(Math.abs(dab - (Math.PI * 16) / SIDE ** 2) < 0.004, `${dab}`);
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Space");
  assert.equal(await masked(page), dab);
  // A line with Space held is one step.
  await page.keyboard.down("Space");
  for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.up("Space");
  const line = await masked(page, [26, 22, 8, 12]);
  assert.ok(line > 0.95, `${line}`);
  await page.keyboard.press("Control+z");
  assert.equal(await masked(page), dab);
  await page.keyboard.press("e");
  assert.equal(await page.locator("#editor-eraser").getAttribute("aria-pressed"), "true");
  await page.keyboard.press("b");
  await page.keyboard.press("]");
  assert.equal(await page.locator("#editor-size").inputValue(), "10");
  await page.keyboard.press("[");
  await page.keyboard.press("[");
  assert.equal(await page.locator("#editor-size").inputValue(), "7");
  const wide = () => page.locator("#editor-mask").evaluate((one) => one.getBoundingClientRect());
  const before = (await wide()).width;
  await page.keyboard.press("+");
  assert.ok(Math.abs((await wide()).width / before - 1.5) < 0.01);
  // The cursor stays in sight.
  for (let i = 0; i < 20; i++) await page.keyboard.press("Shift+ArrowDown");
  const [ring, room] = await page.evaluate(() =>
    ["editor-ring", "editor-stage"].map((id) => {
      const { top, bottom } = /** @type {HTMLElement} */ (
        document.getElementById(id)
      ).getBoundingClientRect();
      return { middle: (top + bottom) / 2, top, bottom };
    }),
  );
  assert.ok(ring && room && ring.middle <= room.bottom && ring.middle >= room.top);
  await page.keyboard.press("0");
  assert.ok(Math.abs((await wide()).width - before) < 0.01);
  await page.keyboard.press("Escape");
  await page.locator("#editor").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Edit mask" }).waitFor();
});

test("a key during a stroke of the mouse does not break it off", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page);
  await page.locator("#editor-size").fill("8");
  await page.locator("#editor-stage").focus();
  const [start, middle, end] = [
    await spotOf(page, 8, 16),
    await spotOf(page, 32, 16),
    await spotOf(page, 56, 16),
  ];
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move(middle.x, middle.y, { steps: 4 });
  await page.keyboard.press("Enter");
  await page.keyboard.press("Space");
  await page.keyboard.down("Space");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.up("Space");
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
  assert.ok((await masked(page, [8, 14, 48, 4])) > 0.99, "the whole line");
  await page.keyboard.press("Control+z");
  assert.equal(await masked(page), 0, "is one step");
});

test("one finger paints, two zoom and move; a pen's pressure is its width", async (t) => {
  const context = { hasTouch: true };
  const { page, state } = await visit(t, { server, context });
  await state("ready");
  await open(page);
  const cdp = await page.context().newCDPSession(page);
  /** @param {string} type @param {{ x: number, y: number, id?: number }[]} touchPoints */
  const touch = (type, touchPoints) =>
    cdp.send("Input.dispatchTouchEvent", { type: /** @type {any} */ (type), touchPoints });
  const [a, b] = [await spotOf(page, 16, 32), await spotOf(page, 48, 32)];
  await touch("touchStart", [a]);
  for (let i = 1; i <= 8; i++)
    await touch("touchMove", [{ x: a.x + ((b.x - a.x) * i) / 8, y: a.y }]);
  await touch("touchEnd", []);
  const painted = await masked(page);
  assert.ok((await masked(page, [18, 31, 28, 2])) > 0.99, "a line from finger to finger");

  // The first finger of two paints nothing.
  const wide = () => page.locator("#editor-mask").evaluate((one) => one.getBoundingClientRect());
  const before = await wide();
  const [p, q] = [await spotOf(page, 24, 50), await spotOf(page, 40, 50)];
  await touch("touchStart", [{ ...p, id: 1 }]);
  await touch("touchMove", [{ x: p.x + 3, y: p.y, id: 1 }]);
  await touch("touchStart", [
    { ...p, id: 1 },
    { ...q, id: 2 },
  ]);
  const apart = (q.x - p.x) / 2;
  for (let i = 1; i <= 4; i++)
    await touch("touchMove", [
      { x: p.x - (apart * i) / 4, y: p.y, id: 1 },
      { x: q.x + (apart * i) / 4, y: q.y, id: 2 },
    ]);
  await touch("touchEnd", []);
  const after = await wide();
  assert.ok(Math.abs(after.width / before.width - 2) < 0.1, `${after.width / before.width}`);
  assert.equal(await masked(page), painted);
  await page.getByRole("button", { name: "Fit" }).click();
  assert.equal(await page.locator("#editor-redo").isDisabled(), true);

  // A pen, pressed lightly and firmly.
  await page.getByRole("button", { name: "Clear" }).click();
  await page.locator("#editor-size").fill("16");
  /** @param {number} pressure @param {number} y */
  const pen = async (pressure, y) => {
    const { x, y: top } = await spotOf(page, 32, y);
    await page.evaluate(
      ({ x, y, pressure }) => {
        const stage = /** @type {HTMLElement} */ (document.getElementById("editor-stage"));
        // The browser captures pointers that are there only.
        stage.setPointerCapture = () => {};
        const how = { pointerId: 9, pointerType: "pen", clientX: x, clientY: y, bubbles: true };
        const down = { ...how, pressure, buttons: 1, cancelable: true };
        stage.dispatchEvent(new PointerEvent("pointerdown", down));
        stage.dispatchEvent(new PointerEvent("pointerup", how));
      },
      { x, y: top, pressure },
    );
  };
  await pen(0.25, 16);
  await pen(1, 48);
  const [light, firm] = [
    await masked(page, [0, 0, SIDE, 32]),
    await masked(page, [0, 32, SIDE, 32]),
  ];
  // 0.2 + 0.8 · 0.25 of the width, so 0.16 of the area.
  assert.ok(Math.abs(light / firm - 0.16) < 0.06, `${light} of ${firm}`);
});

test("the wheel zooms and a drag with Space moves, and neither paints", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page);
  const box = () => page.locator("#editor-mask").evaluate((one) => one.getBoundingClientRect());
  const before = await box();
  const spot = await spotOf(page, 20, 20);
  await page.mouse.move(spot.x, spot.y);
  await page.mouse.wheel(0, -600);
  await page.waitForFunction(
    (width) =>
      Number(document.getElementById("editor-mask")?.getBoundingClientRect().width) > 2 * width,
    before.width,
  );
  const near = await spotOf(page, 20, 20);
  assert.ok(Math.hypot(near.x - spot.x, near.y - spot.y) < 1, "the point under the mouse stays");
  const moved = await box();
  await page.keyboard.down("Space");
  await page.mouse.down();
  await page.mouse.move(spot.x - 40, spot.y - 30, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up("Space");
  const after = await box();
  assert.ok(Math.abs(moved.left - after.left - 40) < 1 && Math.abs(moved.top - after.top - 30) < 1);
  assert.equal(await masked(page), 0);
  await page.mouse.down({ button: "middle" });
  await page.mouse.move(spot.x, spot.y, { steps: 4 });
  await page.mouse.up({ button: "middle" });
  assert.equal(await masked(page), 0);
  assert.ok(Math.abs((await box()).left - moved.left) < 1);
});

test("masks are saved and loaded as files, and transparency is one", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  await open(page, CUT_OUT);
  await page.getByRole("button", { name: "Mask what is transparent" }).click();
  assert.equal(await masked(page, [0, 0, SIDE / 4, SIDE]), 1);
  assert.equal(await masked(page, [SIDE / 4, 0, (3 * SIDE) / 4, SIDE]), 0);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save mask" }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "mask.png");
  const file = await readFile(await download.path());
  const { width, height, bytes } = decodePng(file);
  assert.deepEqual([width, height], [SIDE, SIDE]);
  assert.deepEqual([...bytes.subarray(0, 4)], [255, 255, 255, 255], "white is made anew");
  assert.deepEqual([...bytes.subarray(SIDE * 2, SIDE * 2 + 4)], [0, 0, 0, 255]);
  await page.getByRole("button", { name: "Clear" }).click();
  assert.equal(await masked(page), 0);
  const load = page.locator("#editor-load");
  await load.setInputFiles({ name: "mask.png", mimeType: "image/png", buffer: file });
  await page.locator("#editor-status").filter({ hasText: "25 % of the picture" }).waitFor();
  assert.equal(await masked(page, [0, 0, SIDE / 4, SIDE]), 1);
  await page.keyboard.press("Control+z");
  assert.equal(await masked(page), 0, "loading is a step");
  // A mask of another size is scaled.
  const large = pngOf(2 * SIDE, 2 * SIDE, (_, y) =>
    y < SIDE ? [255, 255, 255, 255] : [0, 0, 0, 255],
  );
  await load.setInputFiles({ name: "large.png", mimeType: "image/png", buffer: large });
  await page.locator("#editor-status").filter({ hasText: "50 % of the picture" }).waitFor();
  const wrong = { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no picture") };
  await load.setInputFiles(wrong);
  await page.locator("#editor-status").filter({ hasText: "broken.png cannot be a mask" }).waitFor();
  assert.ok(Math.abs((await masked(page)) - 0.5) < 0.02);
  // A file that is dropped on the painter is a mask as well, and so is one that is pasted.
  await dropped(page, "mask.png", file);
  await page.locator("#editor-status").filter({ hasText: "25 % of the picture" }).waitFor();
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], "large.png", { type: "image/png" }));
    const how = { bubbles: true, cancelable: true, clipboardData };
    document.activeElement?.dispatchEvent(new ClipboardEvent("paste", how));
  }, large.toString("base64"));
  await page.locator("#editor-status").filter({ hasText: "50 % of the picture" }).waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await dropped(page, "photo.png", PHOTO);
  await page.getByRole("button", { name: "Paint mask" }).click();
  await page.locator("#editor-status").filter({ hasText: "Nothing is masked" }).waitFor();
  assert.equal(await page.locator("#editor-unseen").isVisible(), false, "nothing is transparent");
});

for (const [name, viewport, colorScheme] of /** @type {const} */ ([
  ["wide", { width: 1200, height: 900 }, "dark"],
  ["at 200 %", { width: 640, height: 400 }, "light"],
  ["on a small phone", { width: 320, height: 568 }, "dark"],
]))
  test(`the painter fits and axe-core finds nothing serious, ${name}`, async (t) => {
    const { page, state } = await visit(t, { server, context: { viewport, colorScheme } });
    await state("ready");
    await open(page);
    await paint(page, [16, 16], [48, 48]);
    assert.ok((await masked(page)) > 0.03);
    assert.deepEqual(await seriousFaults(page), []);
    const [dialog, stage] = await page.evaluate(() =>
      ["editor", "editor-stage"].map((id) => {
        const one = /** @type {HTMLElement} */ (document.getElementById(id));
        return { over: one.scrollWidth - one.clientWidth, high: one.clientHeight };
      }),
    );
    assert.ok(dialog && dialog.over <= 0, "nothing scrolls sideways");
    assert.ok(stage && stage.high >= Math.min(200, viewport.height / 2), `${stage?.high} high`);
    // Every control can be reached.
    for (const label of ["Undo", "Fill", "Invert", "Clear", "Fit", "Save mask", "Done"]) {
      const one = page.locator("#editor").getByRole("button", { name: label, exact: true });
      await one.scrollIntoViewIfNeeded();
      await one.click({ trial: true });
    }
    await page.getByRole("button", { name: "Done" }).click();
    await page.locator("#mask-fields").waitFor();
    assert.deepEqual(await seriousFaults(page), [], "the settings of a mask");
  });
