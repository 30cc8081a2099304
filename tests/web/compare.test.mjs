// Checkpoints side by side in the page: real models, the user's own picture, a CLIP model, and what
// can be taken along. The CPU draws: it opens a model in a second, a software adapter in thirty.

import assert from "node:assert/strict";
import { cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { testModels, toSingleFile } from "./harness/native.mjs";
import { PICTURE_MS, SITE, visit } from "./harness/site.mjs";

const ROOT = join(import.meta.dirname, "../..");
const models = await testModels();
await toSingleFile(join(models, "models/tiny"), join(models, "models/again.safetensors"));
const golden = join(ROOT, "tests/golden");
await mkdir(join(models, "models/clip"), { recursive: true });
for (const file of ["clip_score", "formats/tokenizer"])
  await cp(join(golden, file), join(models, "models/clip"), { recursive: true });

const options = {
  server: { roots: [models, SITE] },
  patience: PICTURE_MS,
  hash: "#model=models/tiny&steps=2&room=compare&device=cpu",
  device: /** @type {const} */ ("cpu"),
  // The files of a tokenizer that may be there or not.
  expected: /404/,
};

test("two checkpoints, a picture of one's own, and a CLIP model", async (t) => {
  const { page, state, patiently } = await visit(t, options);
  await state("ready");
  const room = page.locator("#view-compare");
  const status = room.getByRole("status");
  const run = room.getByRole("button", { name: "Compare", exact: true });
  await room.getByLabel("built-in").uncheck();
  await run.click();
  await status.filter({ hasText: /at least two columns/ }).waitFor();

  for (const model of ["models/tiny", "models/again.safetensors"]) {
    await room.getByLabel("Address of another").fill(model);
    await room.getByRole("button", { name: "Add" }).click();
  }
  const picture = await readFile(join(ROOT, "web/icons/icon-192.png"));
  const own = { name: "mine.png", mimeType: "image/png", buffer: picture };
  await room.getByLabel("Images of your own").setInputFiles(own);
  await room.getByLabel("One prompt per line").fill("a red cat\n");
  await room.getByLabel("Seeds").fill("1, 2");
  await room.getByLabel("CLIP model").fill("models/clip");
  await run.click();
  await patiently(status.filter({ hasText: "The comparison is complete." }));

  const lines = room.locator("#compare-sheet tbody tr");
  assert.equal(await lines.count(), 2);
  const cells = await lines.first().locator("td").allTextContents();
  assert.match(cells[0] ?? "", /^\d+\.\d s · CLIP \d/);
  assert.match(cells[1] ?? "", /same pixels · SSIM 1\.000 · CLIP \d/);
  assert.match(cells[2] ?? "", /^CLIP \d/, "another size: no likeness, but a score");
  assert.equal(await lines.nth(1).locator("td").nth(2).textContent(), "No image.");

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    room.getByRole("button", { name: "JSON" }).click(),
  ]);
  const table = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.equal(table.columns[0].memory_bytes, null, "the CPU holds no graphics memory");
  assert.equal(table.rows[0].cells[1].psnr, null);
  assert.equal(table.rows[1].request.seed, "2");
  const [csv] = await Promise.all([
    page.waitForEvent("download"),
    room.getByRole("button", { name: "CSV" }).click(),
  ]);
  const text = await readFile(await csv.path(), "utf8");
  assert.equal(text.trim().split("\n").length, 7);
  assert.match(text, /^a red cat,1,again\.safetensors,[\d.]+,,inf,1\.0000,0,/m);

  // The form has its model again as soon as it wants a picture.
  await page.locator('[data-view="create"]').click();
  await page.getByRole("button", { name: "Generate" }).click();
  await patiently(page.locator("#caption"));
});

test("a comparison is cancelled; what was made stays", async (t) => {
  const hash = "#model=models/tiny&steps=50&room=compare&device=cpu";
  const { page, state } = await visit(t, { ...options, hash });
  await state("ready");
  const room = page.locator("#view-compare");
  await room.getByLabel("Address of another").fill("models/tiny");
  await room.getByRole("button", { name: "Add" }).click();
  await room.getByLabel("One prompt per line").fill("a red cat");
  await room.getByRole("button", { name: "Compare", exact: true }).click();
  const step = page.locator("#progress-text").filter({ hasText: /Step [1-9]/ });
  await step.waitFor({ state: "attached" });
  await room.getByRole("button", { name: "Cancel" }).click();
  await room.getByRole("status").filter({ hasText: "Cancelled." }).waitFor();
});
