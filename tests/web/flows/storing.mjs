// What outlasts a reload: a stored model, the built-in one without a network, the gallery.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodePng } from "../harness/png.mjs";
import { DOUBLE, SITE, assertPicture } from "../harness/site.mjs";
import { add, setUp } from "../harness/storage.mjs";
import { galleryFiles } from "../harness/stored.mjs";
import { Weights } from "../harness/weights.mjs";
import { DEMO, FIELDS, saved } from "./drawing.mjs";

/** @typedef {import("./open.mjs").Open} Open */
/** @typedef {import("./open.mjs").Test} Test */

/** What browsers say of a server that is gone. */
const GONE =
  /NetworkError|Failed to (load|fetch)|could not (establish|connect)|error.*loading|update|404/i;

/**
 * A model is stored, and draws the same after a reload without a server.
 * @param {Test} t
 * @param {Open} open
 * @param {string} models the folder of testModels
 */
export async function storeAndReload(t, open, models) {
  const weights = await Weights.of(join(models, "models/tiny"));
  const app = await open(t, {
    server: { roots: [SITE], instead: weights.answer },
    hash: "#model=weights&device=cpu&steps=2&seed=7&width=64&height=64",
    device: "cpu",
    expected: GONE,
  });
  const { page, site, state, make } = app;
  await state("ready");
  const first = await make(FIELDS);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.evaluate(setUp);
  await add(page, weights.manifest(1 << 16));
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Resume: A test" }).click();
  await page.getByText("A test is stored and verified.").waitFor();
  await page.getByRole("button", { name: "Use: A test" }).click();
  await page.waitForURL(/#model=stored/);
  await state("loading");
  await state("ready");
  await site.close();
  await page.reload();
  await state("ready");
  assert.ok((await make(FIELDS)).bytes.equals(first.bytes), "without a server");
}

/**
 * Without a network the built-in model draws, and its file says what it is.
 * @param {Test} t
 * @param {Open} open
 */
export async function drawOffline(t, open) {
  const hash = "#steps=1&device=cpu";
  const app = await open(t, { hash, device: "cpu", expected: GONE });
  const { page, site, state, make } = app;
  await state("ready");
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await site.close();
  await page.reload();
  await state("ready");
  assertPicture(await make({ prompt: "a red heart on yellow", seed: "3" }));
  const model = JSON.parse(decodePng(await saved(app)).texts.get("darkroom-model"));
  const unet = await readFile(join(DEMO, "unet/diffusion_pytorch_model.safetensors"));
  assert.equal(model.sha256, createHash("sha256").update(unet).digest("hex"));
}

/**
 * The gallery outlasts a reload, byte by byte.
 * @param {Test} t
 * @param {Open} open
 */
export async function keepGallery(t, open) {
  const { page, state, make } = await open(t, { server: { roots: DOUBLE }, hash: "#steps=2" });
  await state("ready");
  for (const seed of ["1", "2"]) await make({ prompt: "a red cat", seed });
  const enter = () => page.getByRole("button", { name: "Gallery", exact: true }).click();
  const two = () =>
    page.waitForFunction(() => document.querySelectorAll("#images li").length === 2);
  await enter();
  await two();
  const before = await galleryFiles(page);
  await page.reload();
  await state("ready");
  await enter();
  await two();
  assert.deepEqual(await galleryFiles(page), before);
  await page.locator("#images button").first().click();
  await page.waitForFunction(() => {
    const image = /** @type {HTMLImageElement} */ (document.getElementById("viewer-image"));
    return image.complete && image.naturalWidth === 64;
  });
  assert.deepEqual(
    before.map((file) => decodePng(file).width),
    [64, 64],
  );
}
