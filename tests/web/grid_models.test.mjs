// Grids over checkpoints, on the CPU: real models are opened once each, one of the store does not
// open, one is cancelled; and the page's own model is open again in the end.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { dropped } from "./harness/files.mjs";
import { testModels } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, SITE, visit } from "./harness/site.mjs";
import { add, setUp } from "./harness/storage.mjs";
import { galleryFiles, savedBy, storedIn } from "./harness/stored.mjs";
import { Weights } from "./harness/weights.mjs";

const models = await testModels();
/** The page's own model, and the built-in one. */
const [TINY, DEMO] = ["models/tiny", "models/demo"];
const BUILT_IN = "the built-in model";

/**
 * The page with a small model that is not the built-in one.
 * @param {import("node:test").TestContext} t
 * @param {Partial<import("../../scripts/serve.mjs").Options>} [server]
 * @param {number} [steps]
 * @param {string} [model] the page's own
 */
async function begin(t, server = {}, steps = 1, model = TINY) {
  const all = await visit(t, {
    server: { roots: [models, SITE], ...server },
    device: "cpu",
    patience: PICTURE_MS,
    hash: `#model=${model}&steps=${steps}&width=64&height=64&seed=3`,
    // The files of a tokenizer that may be there or not.
    expected: /404/,
  });
  await all.state("ready");
  await all.type({ prompt: "a red cat" });
  const { page } = all;
  const dialog = page.getByRole("dialog", { name: "Many images" });
  const press = (/** @type {string | RegExp} */ name) =>
    dialog.getByRole("button", { name }).press("Enter");
  /** Waits for the sentence about the cells, as long as images may take. */
  const reads = (/** @type {string} */ states) =>
    dialog.getByText(states, { exact: true }).waitFor({ timeout: PICTURE_MS });
  /** Waits until a model is open. */
  const engine = (/** @type {string | RegExp} */ model) =>
    page.locator("#engine-facts").filter({ hasText: model }).waitFor({ timeout: PICTURE_MS });
  return { ...all, dialog, press, reads, engine };
}

/**
 * Opens the tab of grids, and chooses checkpoints and values of another setting.
 * @param {Awaited<ReturnType<typeof begin>>} app
 * @param {string[]} names
 * @param {{ label: string, values: string }} [other]
 */
async function choose({ page, dialog }, names, other = { label: "Seed", values: "1, 2" }) {
  await page.locator("#many").press("Enter");
  await dialog.getByRole("tab", { name: "Grid" }).press("Enter");
  const kind = dialog.getByLabel("X axis");
  await kind.locator("option", { hasText: "Checkpoint" }).waitFor({ state: "attached" });
  await kind.selectOption({ label: "Checkpoint" });
  const box = dialog.getByRole("group", { name: "X values" });
  for (const name of names) await box.getByLabel(name, { exact: true }).press("Space");
  await dialog.getByLabel("Y axis").selectOption({ label: other.label });
  await dialog.getByLabel("Y values").fill(other.values);
}

test("a grid over two models opens each once, and names them", async (t) => {
  const app = await begin(t);
  const { page, dialog, press, reads, engine } = app;
  await page.evaluate(() => {
    const facts = /** @type {HTMLElement} */ (document.getElementById("engine-facts"));
    const seen = /** @type {string[]} */ ([]);
    Object.assign(globalThis, { opened: seen });
    new MutationObserver(() => {
      const [model = ""] = (facts.textContent ?? "").split(" · ");
      if (model.trim()) seen.push(model);
    }).observe(facts, { childList: true });
  });
  await choose(app, ["tiny", BUILT_IN]);
  assert.deepEqual(await seriousFaults(page), []);
  await press("Generate 4 images");
  await reads("4 done");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ model, request, origin }) => [model, request.seed, origin.cell]),
    [
      [TINY, "1", 0],
      [TINY, "2", 2],
      [DEMO, "1", 1],
      [DEMO, "2", 3],
    ],
  );
  for (const { model, engine: by } of records) assert.ok(by.startsWith(`${model} · `), by);
  await engine(TINY);
  assert.deepEqual(await page.evaluate("opened"), [DEMO, TINY], "the page's own was open at first");

  const heads = await dialog.getByRole("columnheader").allTextContents();
  assert.deepEqual(heads, ["Checkpoint: tiny", `Checkpoint: ${BUILT_IN}`]);
  const { path } = await savedBy(page, dialog.getByRole("button", { name: /PNG/ }));
  const { texts } = decodePng(await readFile(path));
  const script = `X Type: Checkpoint name, X Values: "tiny, ${BUILT_IN}", Y Type: Seed`;
  assert.ok(texts.get("parameters")?.includes(script), texts.get("parameters"));

  // With the page's own model alone the first image is the same again.
  await press("Close");
  await app.make({ seed: "1" });
  const images = (await galleryFiles(page)).map(decodePng);
  assert.ok(images[0]?.bytes.equals(images[4]?.bytes ?? Buffer.alloc(0)));
  assert.ok(!images[0]?.bytes.equals(images[2]?.bytes ?? Buffer.alloc(0)), "models differ");
});

test("a model that does not open is told in its cells, and the queue goes on", async (t) => {
  // Stored and verified, but no model.
  const weights = new Weights({
    "model_index.json": 200,
    "unet/diffusion_pytorch_model.safetensors": 4000,
  });
  const app = await begin(t, { instead: weights.answer });
  const { page, dialog, press, reads, engine } = app;
  await page.evaluate(setUp);
  await add(page, weights.manifest(1 << 16));
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Resume: A test" }).click();
  await page.getByText("A test is stored and verified.").waitFor();
  await choose(app, ["A test", "tiny"]);
  await dialog.getByLabel("Start at once").uncheck();
  await press("Generate 4 images");
  await reads("4 waiting");
  await press("Close");
  // A job without a model of its own comes after those of the one that fails.
  await page.locator("#to-queue").press("Enter");
  await page.locator("#many").press("Enter");
  await press("Start the queue");
  await reads("2 done, 2 failed");
  const failed = dialog.locator("td[data-state=failed]");
  const reasons = await failed.allTextContents();
  assert.match(reasons[0] ?? "", /^failed: .*model_index\.json/);
  assert.equal(reasons[0], reasons[1]);
  await page.waitForFunction(
    () => !document.querySelector('#jobs :is([data-state="waiting"], [data-state="running"])'),
  );
  await engine(TINY);
  await app.state("ready");
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ model, request }) => `${model} ${request.seed}`),
    [`${TINY} 1`, `${TINY} 2`, `${TINY} 3`],
  );
});

test("what is cancelled waits with its model, also over a reload", async (t) => {
  const app = await begin(t);
  const { page, dialog, press, reads, engine } = app;
  // The third image, which is cancelled, takes long enough for it.
  await choose(app, ["tiny", BUILT_IN], { label: "Steps", values: "200, 1" });
  await press("Generate 4 images");
  await dialog
    .getByText("2 done, 1 running, 1 waiting", { exact: true })
    .or(dialog.getByText("2 done, 1 waiting, 1 running", { exact: true }))
    .waitFor({ timeout: PICTURE_MS });
  // Back closes the dialog alone.
  await page.goBack();
  await dialog.waitFor({ state: "hidden" });
  await engine(DEMO);
  await app.stepping();
  await app.cancel.click();
  await engine(TINY);
  await app.state("ready");
  const [, , third] = await storedIn(page, "jobs");
  assert.equal(third.state, "waiting");
  assert.equal(third.choice.model, DEMO);
  await page.reload();
  await app.state("ready");
  await page.locator("#many").press("Enter");
  await press("Start the queue");
  await reads("4 done");
  await engine(TINY);
  const records = await storedIn(page, "pictures");
  assert.deepEqual(
    records.map(({ model }) => model),
    [TINY, TINY, DEMO, DEMO],
  );
});

test("a grid over VAEs uses the model's own and one of the store", async (t) => {
  const app = await begin(t, {}, 1, DEMO);
  const { page, dialog, press, reads, engine } = app;
  const weights = "../../web/models/demo/vae/diffusion_pytorch_model.safetensors";
  await dropped(page, "mine.safetensors", await readFile(join(import.meta.dirname, weights)));
  await page.getByRole("button", { name: "Export: mine" }).waitFor();
  await page.locator("#many").press("Enter");
  await dialog.getByRole("tab", { name: "Grid" }).press("Enter");
  const kind = dialog.getByLabel("X axis");
  await kind.locator("option", { hasText: "VAE" }).waitFor({ state: "attached" });
  await kind.selectOption({ label: "VAE" });
  const box = dialog.getByRole("group", { name: "X values" });
  for (const name of ["the model’s own", "mine"])
    await box.getByLabel(name, { exact: true }).press("Space");
  await press("Generate 2 images");
  await reads("2 done");
  const heads = await dialog.getByRole("columnheader").allTextContents();
  assert.deepEqual(heads, ["VAE: the model’s own", "VAE: mine"]);
  const [own, mine] = await storedIn(page, "pictures");
  assert.deepEqual([own.model, own.parts], [DEMO, undefined]);
  assert.deepEqual([mine.model, mine.parts?.[0].name], [DEMO, "mine.safetensors"]);
  const [first, second] = (await galleryFiles(page)).map(decodePng);
  assert.ok(first?.bytes.equals(second?.bytes ?? Buffer.alloc(0)), "the same VAE from a file");
  // The page's own model has its own VAE again.
  await engine(/^models\/demo · f32/);
});
