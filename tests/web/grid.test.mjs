// Grids: cells become jobs and images, the plot and the HTML file have them in their places; a
// reload in the middle, cells that failed or were cancelled, prompt matrices. A double stands in
// the engine's place; last, the real engine's own pictures on the CPU.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { decodePng } from "./harness/png.mjs";
import { DOUBLE, visit } from "./harness/site.mjs";
import { galleryFiles, savedBy, storedIn } from "./harness/stored.mjs";

const server = { roots: DOUBLE };

/**
 * The page with the tab of grids, open.
 * @param {import("node:test").TestContext} t
 * @param {import("./harness/site.mjs").Visit} [how]
 * @param {Record<string, string>} [form]
 */
async function begin(t, how = {}, form = { prompt: "a cat", seed: "3" }) {
  const all = await visit(t, { server, hash: "#steps=1", ...how });
  await all.state("ready");
  await all.type(form);
  const { page } = all;
  const dialog = page.getByRole("dialog", { name: "Many images" });
  const open = async () => {
    await page.locator("#many").press("Enter");
    await dialog.waitFor();
  };
  const tab = (/** @type {string} */ name) => dialog.getByRole("tab", { name }).click();
  const axis = async (
    /** @type {string} */ id,
    /** @type {string} */ kind,
    /** @type {string | string[]} */ values,
  ) => {
    await dialog.getByLabel(`${id} axis`).selectOption({ label: kind });
    if (typeof values === "string") return dialog.getByLabel(`${id} values`).fill(values);
    const box = dialog.getByRole("group", { name: `${id} values` });
    for (const one of values) await box.getByLabel(one, { exact: true }).check();
  };
  const press = (/** @type {string | RegExp} */ name) =>
    dialog.getByRole("button", { name }).click();
  const reads = (/** @type {string} */ states) =>
    dialog.getByText(states, { exact: true }).waitFor();
  await open();
  await tab("Grid");
  return { ...all, dialog, open, tab, axis, press, reads };
}

/** @typedef {ReturnType<typeof decodePng>} Picture */

/**
 * Where a picture lies in a larger one, pixel for pixel; null if it does not.
 * @param {Picture} whole
 * @param {Picture} part
 */
function placeOf(whole, part) {
  const row = part.bytes.subarray(0, part.width * 4);
  for (let at = whole.bytes.indexOf(row); at >= 0; at = whole.bytes.indexOf(row, at + 1)) {
    if (at % 4) continue;
    const same = Array.from({ length: part.height }, (_, y) => {
      const from = at + y * whole.width * 4;
      const line = part.bytes.subarray(y * part.width * 4, (y + 1) * part.width * 4);
      return whole.bytes.subarray(from, from + part.width * 4).equals(line);
    });
    if (same.every(Boolean)) return [(at / 4) % whole.width, Math.floor(at / 4 / whole.width)];
  }
  return null;
}

/**
 * How many dark pixels an area has.
 * @param {Picture} all
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function ink({ bytes, width }, x0, y0, x1, y1) {
  let dark = 0;
  for (let y = y0; y < y1; y++)
    for (let x = x0; x < x1; x++) if ((bytes[(y * width + x) * 4] ?? 255) < 110) dark += 1;
  return dark;
}

test("a grid of 3 × 2 is made, plotted and written as HTML", async (t) => {
  const { page, dialog, axis, press, reads } = await begin(t);
  await axis("X", "Seed", "1-3");
  await axis("Y", "Prompt search and replace", "a cat, dog");
  await dialog.getByText("6 images.").waitFor();
  await press("Generate 6 images");
  await reads("6 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ request }) => `${request.prompt} ${request.seed}`),
    ["a cat", "dog"].flatMap((prompt) => ["1", "2", "3"].map((seed) => `${prompt} ${seed}`)),
  );
  const [{ id: grid }] = await storedIn(page, "grids", "darkroom-batch");
  assert.deepEqual(
    records.map(({ origin }) => origin),
    [0, 1, 2, 3, 4, 5].map((cell) => ({ grid, cell })),
  );
  assert.deepEqual(await seriousFaults(page), []);

  await t.test("the table has the values and the images", async () => {
    const heads = await dialog.getByRole("columnheader").allTextContents();
    assert.deepEqual(heads, ["Seed: 1", "Seed: 2", "Seed: 3"]);
    assert.deepEqual(await dialog.getByRole("rowheader").allTextContents(), ["a cat", "dog"]);
    await dialog.getByRole("button", { name: "Open in the gallery: Seed: 3, dog" }).waitFor();
  });

  const images = (await galleryFiles(page)).map(decodePng);
  await t.test("the plot", async () => {
    const { name, path } = await savedBy(page, dialog.getByRole("button", { name: /PNG/ }));
    assert.equal(name, "seed-prompt-search-and-replace-a-cat.png");
    const plot = decodePng(await readFile(path));
    await reads(`The plot has ${plot.width} × ${plot.height} pixels.`);
    const places = images.map((image) => placeOf(plot, image));
    assert.ok(places.every(Boolean), JSON.stringify(places));
    const [xs, ys] = [0, 1].map((i) => places.map((place) => place?.[i] ?? 0));
    const [x0 = 0, x1 = 0, x2 = 0] = xs ?? [];
    assert.deepEqual(xs, [x0, x1, x2, x0, x1, x2]);
    assert.ok(x0 + 64 < x1 && x1 + 64 < x2, String(xs));
    const [y0 = 0, , , y1 = 0] = ys ?? [];
    assert.deepEqual(ys, [y0, y0, y0, y1, y1, y1]);
    assert.ok(y0 + 64 < y1 && y1 + 64 < plot.height, String(ys));
    // Labels above each column and before each row, and nothing in the corner between them.
    for (const x of [x0, x1, x2]) assert.ok(ink(plot, x, 0, x + 64, y0) > 20, `above ${x}`);
    for (const y of [y0, y1]) assert.ok(ink(plot, 0, y, x0, y + 64) > 20, `before ${y}`);
    assert.equal(ink(plot, 0, 0, x0 - 8, y0 - 8), 0);
  });

  await t.test("the HTML file", async () => {
    const { name, path } = await savedBy(page, dialog.getByRole("button", { name: /HTML/ }));
    assert.equal(name, "seed-prompt-search-and-replace-a-cat.html");
    const html = await readFile(path, "utf8");
    const sources = [...html.matchAll(/<img src="data:image\/png;base64,([^"]+)" alt="([^"]*)"/g)];
    assert.deepEqual(
      sources.map(([, , alt]) => alt),
      ["a cat", "dog"].flatMap((word) => [1, 2, 3].map((seed) => `Seed: ${seed}, ${word}`)),
    );
    for (const [i, [, base64 = ""]] of sources.entries())
      assert.ok(
        decodePng(Buffer.from(base64, "base64")).bytes.equals(images[i]?.bytes ?? Buffer.alloc(0)),
      );
    assert.match(html, /<th scope="col" dir="auto">Seed: 2<\/th>/);
    assert.match(html, /<th scope="row" dir="auto">dog<\/th>/);
    assert.match(html, /<dt>prompt<\/dt><dd dir="auto">a cat<\/dd>/);
  });
});

test("three axes make a plot with a legend, of images of several sizes", async (t) => {
  const { page, dialog, axis, press, reads } = await begin(t);
  await axis("X", "Steps", "1-2");
  await axis("Y", "Width", "64, 96");
  await axis("Z", "RNG", ["torch", "philox"]);
  await press("Generate 8 images");
  await reads("8 done");
  assert.deepEqual(await dialog.locator("caption").allTextContents(), [
    "RNG: torch",
    "RNG: philox",
  ]);
  const { path } = await savedBy(page, dialog.getByRole("button", { name: /PNG/ }));
  const plot = decodePng(await readFile(path));
  // Two tables of 2 × 2 cells, each as large as the largest image.
  assert.ok(plot.width > 2 * 96 && plot.height > 4 * 64, `${plot.width} × ${plot.height}`);
});

test("styles and the order of the prompt are axes", async (t) => {
  const before = () => {
    const styles = [{ name: "drawn", prompt: "ink", avoid: "colour" }];
    localStorage.setItem("darkroom.styles", JSON.stringify(styles));
  };
  const { page, axis, press, reads } = await begin(t, { before }, { prompt: "a cat, by day" });
  await axis("X", "Style", ["none", "drawn"]);
  await axis("Y", "Prompt order", "");
  await press("Generate 4 images");
  await reads("4 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ request }) => `${request.prompt} / ${request.negative_prompt ?? ""}`),
    [
      "a cat, by day / ",
      "a cat, by day, ink / colour",
      "by day, a cat / ",
      "by day, a cat, ink / colour",
    ],
  );
});

test("a reload in the middle loses nothing", async (t) => {
  const { page, state, dialog, axis, press, reads } = await begin(t);
  await axis("X", "Seed", "1-6");
  await axis("Y", "Steps", "40");
  await press("Generate 6 images");
  // What is shown may miss a count.
  await dialog.getByText(/^[2-5] done/).waitFor();
  await page.reload();
  await state("ready");
  // The dialog is open again, with the tab that was shown.
  await reads("6 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ origin }) => origin.cell),
    [0, 1, 2, 3, 4, 5],
  );
  assert.equal(await dialog.locator("td[data-state=done]").count(), 6);
});

test("cells that failed, were cancelled or deleted are shown, and made again", async (t) => {
  const { page, dialog, axis, press, reads, open } = await begin(t, {}, { prompt: "a cat" });
  await axis("X", "Prompt search and replace", "a cat, make no numbers, slow");
  // The first long one is still at work when the others are removed.
  await axis("Y", "Steps", "3, 90");
  await press("Generate 6 images");
  await dialog.getByText(/failed: Step 3 gave values that are not numbers/).waitFor();
  await press("Remove the waiting cells from the queue");
  await dialog
    .getByText(/cancelled/)
    .first()
    .waitFor();
  await dialog
    .getByText(/^2 done, 1 failed, [23] cancelled$/)
    .or(dialog.getByText(/^[123] done, 1 failed, [23] cancelled$/))
    .waitFor();
  const { path } = await savedBy(page, dialog.getByRole("button", { name: /PNG/ }));
  assert.ok(decodePng(await readFile(path)).width > 3 * 64);
  const before = (await storedIn(page, "pictures")).length;
  await press(/^Make \d missing cells again$/);
  await reads("4 done, 2 failed");
  assert.ok((await storedIn(page, "pictures")).length > before);
  assert.equal((await storedIn(page, "jobs")).filter(({ state }) => state === "failed").length, 2);

  await t.test("an image that was deleted", async () => {
    const first = dialog.getByRole("button", { name: /^Open in the gallery/ }).first();
    await first.click();
    await page.locator("#viewer-delete").click();
    await page.locator("#viewer-close").click();
    await open();
    await reads("1 cancelled, 2 failed, 3 done");
  });

  await t.test("a grid is deleted, and comes back", async () => {
    await press("Delete grid");
    await dialog.getByText("Grids and prompt matrices that you make are kept here.").waitFor();
    assert.equal((await storedIn(page, "pictures")).length, 3);
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await reads("1 cancelled, 2 failed, 3 done");
  });
});

test("a cancelled image waits, and the queue is started again from the grid", async (t) => {
  const { page, dialog, axis, press, reads, open, cancel } = await begin(t);
  await axis("X", "Seed", "1-2");
  await axis("Y", "Steps", "120");
  await press("Generate 2 images");
  await reads("1 running, 1 waiting");
  await press("Close");
  await cancel.click();
  await open();
  await reads("2 waiting");
  await press("Start the queue");
  await reads("2 done");
  assert.equal((await storedIn(page, "pictures")).length, 2);
  assert.equal(await dialog.getByRole("button", { name: "Start the queue" }).isVisible(), false);
});

test("what a grid cannot be is told before anything runs", async (t) => {
  const { page, dialog, axis } = await begin(t);
  const start = dialog.getByRole("button", { name: /^Generate/ });
  await axis("X", "Steps", "1-2000");
  await dialog.getByText("These are more than 1,000 values.").waitFor();
  assert.equal(await start.isDisabled(), true);
  await axis("X", "Steps", "0");
  await dialog.getByText("Steps: 0 is not from 1 to 1000.").waitFor();
  await axis("X", "Prompt search and replace", "dog, cat");
  await dialog.getByText("“dog” is in neither prompt.").waitFor();
  assert.deepEqual(await storedIn(page, "jobs"), []);
});

test("a prompt matrix is a grid", async (t) => {
  const { page, dialog, tab, press, reads } = await begin(t);
  await tab("Prompt matrix");
  await dialog
    .getByLabel("Prompt with optional parts, separated by |")
    .fill("a photo|at night|by sea");
  await press("Generate 4 images");
  await reads("4 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ request }) => request.prompt),
    ["a photo", "a photo, at night", "a photo, by sea", "a photo, at night, by sea"],
  );
  assert.deepEqual(
    records.map(({ request }) => request.seed),
    ["3", "3", "3", "3"],
  );
  assert.deepEqual(await dialog.getByRole("columnheader").allTextContents(), ["—", "at night"]);
});

test("the built-in model makes a grid on the CPU", async (t) => {
  const how = { server: {}, device: /** @type {const} */ ("cpu"), hash: "#steps=2" };
  const form = { prompt: "a red heart on yellow", seed: "3" };
  const { page, dialog, axis, press, reads } = await begin(t, how, form);
  await axis("X", "Sampler", ["DDIM", "Euler"]);
  await axis("Y", "CFG scale", "1, 7.5");
  await press("Generate 4 images");
  await dialog.getByText("4 done", { exact: true }).waitFor({ timeout: 300_000 });
  const images = (await galleryFiles(page)).map(decodePng);
  const settings = images.map(({ texts }) => JSON.parse(texts.get("darkroom")));
  assert.deepEqual(
    settings.map(({ sampler, guidance_scale }) => `${sampler} ${guidance_scale}`),
    ["ddim 1", "euler 1", "ddim 7.5", "euler 7.5"],
  );
  const { path } = await savedBy(page, dialog.getByRole("button", { name: /PNG/ }));
  const plot = decodePng(await readFile(path));
  const places = images.map((image) => placeOf(plot, image));
  assert.ok(places.every(Boolean), JSON.stringify(places));
  await reads(`The plot has ${plot.width} × ${plot.height} pixels.`);
  // The plot has the texts of its first image, and what the axes are.
  const [first] = images;
  const script =
    'Script: X/Y/Z plot, X Type: Sampler, X Values: "DDIM, Euler", ' +
    'Y Type: CFG Scale, Y Values: "1, 7.5"';
  const own = new Map(first?.texts).set(
    "parameters",
    `${first?.texts.get("parameters")}, ${script}`,
  );
  assert.ok(first?.texts.has("parameters"));
  assert.deepEqual(plot.texts, own);
});
