// A checkpoint in one file, opened over HTTP in a real browser: the picture of the model that it
// was made of.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { REQUEST, difference, nativePicture, testModels, toSingleFile } from "./harness/native.mjs";
import { PICTURE_MS, SITE, visit } from "./harness/site.mjs";

const models = await testModels();
const tiny = join(models, "models/tiny");
for (const name of ["one.safetensors", "two.gguf"])
  await toSingleFile(tiny, join(models, "models", name));

const options = {
  server: { roots: [models, SITE] },
  patience: PICTURE_MS,
  // The files of a tokenizer that may be there or not, and the ones below that are not.
  expected: /404/,
};

test("a single file gives the picture of its model", async (t) => {
  const hash = "#model=models/one.safetensors&device=webgpu";
  const { page, state, make, alert } = await visit(t, { ...options, hash });
  await state("ready");
  const { steps, guidance_scale, ...texts } = REQUEST;
  const fields = { ...texts, steps: String(steps), guidance_scale: String(guidance_scale) };
  const want = await nativePicture(tiny);
  const most = difference(await make(fields), want);
  t.diagnostic(`safetensors: ${most} of 255 at most`);
  assert.ok(most <= 2, `${most} of 255`);

  await page.evaluate(
    () => (location.hash = "#model=models/two.gguf&tokenizer=models/tiny/tokenizer&device=webgpu"),
  );
  await state("loading");
  await state("ready");
  assert.ok(difference(await make(fields), want) <= 2, "as GGUF, with a tokenizer that was named");
  assert.match(page.url(), /tokenizer=models/);

  await page.evaluate(() => (location.hash = "#model=models/none.ckpt&device=webgpu"));
  await alert.filter({ hasText: /none\.ckpt was not found/ }).waitFor();
});
