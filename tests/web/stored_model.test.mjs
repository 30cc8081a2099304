// A model from its first byte to its last use: fetched over HTTP by the library's own buttons,
// kept, damaged, healed; then the server is gone, and it draws the same picture. The CPU draws:
// bytes are the subject, not kernels.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { seriousFaults } from "./harness/axe.mjs";
import { REQUEST, difference, nativePicture, testModels, toSingleFile } from "./harness/native.mjs";
import { PICTURE_MS, SITE, assertPicture, visit } from "./harness/site.mjs";
import { add, behind, setUp, shown } from "./harness/storage.mjs";
import { Weights } from "./harness/weights.mjs";

const models = await testModels();
const tiny = join(models, "models/tiny");
const CHUNK = 1 << 16;
const UNET = "unet/diffusion_pytorch_model.safetensors";
/** Words that no address and no header has by chance. */
const PROMPT = { prompt: "a zyzzyva under a quixotry", negative_prompt: "muzjiks" };
const TOLD = /zyzzyva|quixotry|muzjiks/i;

test("fetched once, healed, then without any server: the same picture", async (t) => {
  const weights = await Weights.of(tiny);
  /** All that the server hears. @type {string[]} */
  const heard = [];
  /** @type {import("../../scripts/serve.mjs").Options["instead"]} */
  const instead = (request, response, path) => {
    heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    return weights.answer(request, response, path);
  };
  const app = await visit(t, {
    server: { roots: [SITE], instead },
    hash: "#model=weights&device=cpu&steps=2&seed=7&width=64&height=64",
    device: "cpu",
    patience: PICTURE_MS,
    expected: /404|ERR_(CONNECTION|INTERNET)|Failed to fetch|update/,
  });
  const { page, site, state, make } = app;
  await state("ready");
  const first = await make(PROMPT);
  assertPicture(first);
  await page.waitForFunction(() => navigator.serviceWorker.controller);

  await page.evaluate(setUp);
  await add(page, weights.manifest(CHUNK));
  weights.asked.length = 0;
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Resume: A test" }).click();
  await page.getByText("A test is stored and verified.").waitFor();
  const count = [...weights.files.values()].reduce((n, { length }) => n + chunks(length), 0);
  assert.equal(weights.asked.length, count);
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await seriousFaults(page), [], `a stored model's row, ${colorScheme}`);
  }
  await page.getByRole("button", { name: "Use: A test" }).click();
  await page.waitForURL(/#model=stored/);
  await state("loading");
  await state("ready");
  assert.equal(weights.asked.length, count, "nothing is fetched again");

  await t.test("a spoiled and a lost chunk are fetched again, alone, and told", async () => {
    await behind(page, "spoil", [UNET, 3]);
    await behind(page, "delete", [UNET, 5]);
    await page.reload();
    await state("ready");
    const again = weights.asked.slice(count).map(({ path, start }) => [path, start / CHUNK]);
    assert.deepEqual(again, [
      [UNET, 3],
      [UNET, 5],
    ]);
    const told = await page.locator("#notices").textContent();
    assert.match(told ?? "", /unet.*damaged or missing in the browser's storage, and was fetched/);
  });

  await site.close();
  await page.context().setOffline(true);
  await page.reload();
  await state("ready");
  const fields = { ...PROMPT, steps: "2", seed: "7", width: "64", height: "64" };
  const again = await make(fields);
  assert.equal(again.width, 64);
  assert.ok(again.bytes.equals(first.bytes), "without a server");
  assert.ok(heard.length > 20);
  assert.deepEqual(
    heard.filter((one) => TOLD.test(decodeURIComponent(one))),
    [],
  );
});

test("where there is no room, a model is used without storing the rest", async (t) => {
  const weights = await Weights.of(tiny);
  const { page, state, site } = await visit(t, {
    server: { roots: [SITE], instead: weights.answer },
    hash: "#model=models/none&device=cpu",
    device: "cpu",
    expected: /404|Service Worker registration blocked/,
    // Its caches would count as well.
    context: { serviceWorkers: "block" },
  });
  await state("error");
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(site.url);
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_500_000 });
  await page.evaluate(setUp);
  await add(page, weights.manifest(CHUNK));
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Resume: A test" }).click();
  await page.getByText(/storage is full. What has been stored is kept/).waitFor();
  await page.getByRole("button", { name: "Resume: A test" }).waitFor();
  const { chunks_stored: kept } = await shown(page);
  assert.ok(kept > 0, "some are stored");
  await page.getByRole("button", { name: "Use once, without saving the rest: A test" }).click();
  await state("loading");
  await state("ready");
  const said = await page.locator("#notices").textContent();
  assert.match(said ?? "", /storage is full: the rest of the model is used from memory/);
  assert.ok((await shown(page)).chunks_stored >= kept, "what is stored is kept");
});

test("a single file from the disk is kept and drawn, with the built-in tokenizer", async (t) => {
  const file = join(models, "one.gguf");
  await toSingleFile(tiny, file);
  const { page, state, make } = await visit(t, {
    hash: "#model=models/none&device=cpu",
    device: "cpu",
    patience: PICTURE_MS,
    expected: /404/,
  });
  await state("error");
  await page.getByText("Models in this browser").click();
  await page.locator("#library input[type=file]").first().setInputFiles(file);
  await page.getByText("one is imported.").waitFor();
  await page.getByRole("button", { name: "Use: one" }).click();
  await state("loading");
  await state("ready");
  const { steps, guidance_scale, ...texts } = REQUEST;
  const fields = { ...texts, steps: String(steps), guidance_scale: String(guidance_scale) };
  const most = difference(await make(fields), await nativePicture(tiny));
  assert.ok(most <= 2, `${most} of 255`);
});

const chunks = (/** @type {number} */ bytes) => Math.ceil(bytes / CHUNK);
