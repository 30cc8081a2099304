// The painter of masks, as tests use it.

import { readFile } from "node:fs/promises";
import { dropped, pngOf } from "./files.mjs";
import { decodePng } from "./png.mjs";

/** @typedef {import("playwright-core").Page} Page */

export const SIDE = 64;
/** Blue, with the right half darker. */
export const PHOTO = pngOf(SIDE, SIDE, (x) => [10, 20, x < SIDE / 2 ? 200 : 100, 255]);
/** The same, of which the left quarter is transparent. */
export const CUT_OUT = pngOf(SIDE, SIDE, (x) => [10, 20, 200, x < SIDE / 4 ? 0 : 255]);

/**
 * The masked share of a part of the painter's canvas, 0 to 1.
 * @param {Page} page
 * @param {[x: number, y: number, width: number, height: number]} [part] in pixels of the mask
 */
export function masked(page, part = [0, 0, SIDE, SIDE]) {
  return page.evaluate(async (part) => {
    // What was painted is drawn in the next frame.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("editor-mask"));
    // A copy: browsers warn of a canvas that is read often.
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context?.drawImage(canvas, 0, 0);
    const { data } = /** @type {OffscreenCanvasRenderingContext2D} */ (context).getImageData(
      ...part,
    );
    const solid = [...data].filter((value, i) => i % 4 === 3 && value > 100).length;
    return solid / (data.length / 4);
  }, part);
}

/** The point of the window where a point of the mask is seen. @param {Page} page */
export function spotOf(page, x = SIDE / 2, y = SIDE / 2) {
  return page.evaluate(
    ({ x, y, side }) => {
      const canvas = /** @type {HTMLElement} */ (document.getElementById("editor-mask"));
      const { left, top, width, height } = canvas.getBoundingClientRect();
      return { x: left + (width * x) / side, y: top + (height * y) / side };
    },
    { x, y, side: SIDE },
  );
}

/**
 * Paints a line with the mouse.
 * @param {Page} page
 * @param {[number, number]} from
 * @param {[number, number]} to
 */
export async function paint(page, from, to, button = /** @type {"left" | "right"} */ ("left")) {
  const [start, end] = [await spotOf(page, ...from), await spotOf(page, ...to)];
  await page.mouse.move(start.x, start.y);
  await page.mouse.down({ button });
  await page.mouse.move(end.x, end.y, { steps: 8 });
  await page.mouse.up({ button });
}

/** Opens the painter on a dropped picture. @param {Page} page @param {Buffer} [file] */
export async function open(page, file = PHOTO) {
  await dropped(page, "photo.png", file);
  await page.getByRole("button", { name: "Paint mask" }).click();
  await page.locator("#editor[open]").waitFor();
  await page.locator("#editor-status").filter({ hasText: "Nothing is masked" }).waitFor();
}

/** The picture that the page offers as a file. @param {Page} page */
export async function offered(page) {
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download PNG" }).click();
  return decodePng(await readFile(await (await downloading).path()));
}

/** @param {{ bytes: Buffer }} picture @param {number} x @param {number} y */
export const colourAt = ({ bytes }, x, y) => [
  ...bytes.subarray((y * SIDE + x) * 4, (y * SIDE + x) * 4 + 3),
];
