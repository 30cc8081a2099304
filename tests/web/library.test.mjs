// What the library of models holds besides downloads: imports of any name, a database that was
// emptied, changed by another tab, or written by a newer version.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { test } from "node:test";
import { safetensors } from "./harness/files.mjs";
import { testModels, toSingleFile } from "./harness/native.mjs";
import { add, call, profile } from "./harness/storage.mjs";
import { Weights, sha256 } from "./harness/weights.mjs";

const CHUNK = 4096;
const LAYER = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
const SIZES = { "config.json": 300, "unet/model.safetensors": 90_000, "vae.safetensors": 20_000 };

/** Puts local files, as numbers or in base64, in the library; what they became. */
const imported = (
  /** @type {import("playwright-core").Page} */ page,
  /** @type {Record<string, number[] | string>} */ files,
  /** @type {string} */ name,
  /** @type {string[]} */ known = [],
) =>
  page.evaluate(async ([files, name, known]) => {
    const { store } = /** @type {any} */ (window);
    const decoded = (/** @type {string} */ text) =>
      Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const given = Object.entries(files).map(([path, bytes]) => ({
      path,
      file: new Blob([typeof bytes === "string" ? decoded(bytes) : new Uint8Array(bytes)]),
    }));
    const of = known.map((manifest) => ({ manifest, address: "" }));
    const { manifest } = await store.identifyLocal(given, of, name, () => {});
    await store.importLocal(manifest.id, () => {});
    return manifest;
  }, /** @type {const} */ ([files, name, known]));

test("another model of the same names and sizes is imported under its own name", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  const known = weights.manifest(CHUNK, "files", { repository: "a/b", revision: "1" });
  const bytes = (/** @type {Weights} */ of) =>
    Object.fromEntries([...of.files].map(([path, bytes]) => [path, [...bytes]]));
  const other = new Weights(SIZES);
  other.files.set("config.json", /** @type {Buffer} */ (weights.files.get("config.json")));
  const mine = await imported(page, bytes(other), "my finetune", [known]);
  assert.deepEqual([mine.id, mine.repository ?? null], ["my-finetune", null]);
  // A manifest that only claims the name does not take it either.
  const claim = other.manifest(CHUNK, "none", { repository: "a/b", revision: "1" });
  const files = { ...bytes(other), "manifest.json": [...Buffer.from(claim)] };
  assert.match((await imported(page, files, "another", [known])).id, /^another/);
  const pins = await page.evaluate(() => /** @type {any} */ (window).store.pins());
  assert.deepEqual(pins, [], "an import pins nothing");
  const real = await imported(page, bytes(weights), "a folder", [known]);
  assert.deepEqual([real.id, real.repository], ["test", "a/b"]);
});

test("names of any script and empty files beside a model are imported", async (t) => {
  const folder = await testModels();
  const file = join(folder, "one.safetensors");
  await toSingleFile(join(folder, "models/tiny"), file);
  const bytes = await readFile(file, "base64");
  const { open } = await profile(t, new Weights(SIZES));
  const page = await open();
  for (const name of ["model (1)", "v1-5+vae", "dreamlike[fp16]", "模型"]) {
    const path = `${name}.safetensors`;
    const { files } = await imported(page, { [path]: bytes, "added.txt": [] }, name);
    assert.deepEqual(
      files.map((/** @type {{ path: string }} */ file) => file.path),
      [path],
    );
  }
});

test("what is no checkpoint is told at import, and nothing of it is kept", async (t) => {
  const { open } = await profile(t, new Weights(SIZES));
  const page = await open();
  /** @type {[number[], RegExp][]} */
  const files = [
    [safetensors({ [`${LAYER}.lora_down.weight`]: [4, 8] }), /no Up of this layer/],
    [safetensors({ "control_model.input_hint_block.0.weight": [4, 8] }), /ControlNet/],
    [safetensors({ clip_l: [2, 768], clip_g: [2, 1280] }), /textual inversion for .*XL/],
    [[1, 2, 3], /one\./],
    [[], /it is empty, with 0 bytes/],
  ];
  const refused = async (
    /** @type {Parameters<typeof imported>[1]} */ files,
    /** @type {RegExp} */ told,
  ) => {
    await assert.rejects(imported(page, files, "one"), told);
    const models = await page.evaluate(() => /** @type {any} */ (window).store.list());
    assert.deepEqual(models, []);
  };
  for (const [bytes, told] of files) {
    // Other programs call such files by any of these names.
    for (const ending of ["safetensors", "bin", "pt", "pth"])
      await refused({ [`one.${ending}`]: bytes }, told);
  }
});

test("a LoRA is imported as one, by its hash, under any of its names", async (t) => {
  const { open } = await profile(t, new Weights(SIZES));
  const page = await open();
  const lora = safetensors({
    [`${LAYER}.lora_down.weight`]: [4, 8],
    [`${LAYER}.lora_up.weight`]: [8, 4],
  });
  const hash = sha256(Buffer.from(lora));
  for (const ending of ["safetensors", "bin", "pt", "pth"]) {
    const path = `v1 (${ending}).${ending}`;
    const { id, kind, files } = await imported(page, { [path]: lora }, `v1 (${ending})`);
    assert.equal(kind, "lora");
    assert.ok(id.startsWith("v1") && id.endsWith(hash.slice(0, 12)), id);
    assert.deepEqual(files, [{ path, bytes: lora.length, sha256: hash }]);
  }
  const word = safetensors({ emb_params: [2, 768] });
  assert.equal((await imported(page, { "easy.pt": word }, "easy")).kind, "embedding");
  // Another file of the same name stands beside it.
  const other = safetensors({
    [`${LAYER}.lora_down.weight`]: [2, 8],
    [`${LAYER}.lora_up.weight`]: [8, 2],
  });
  for (const bytes of [lora, other]) await imported(page, { "v1.pt": bytes }, "v1");
  const all = await page.evaluate(() => /** @type {any} */ (window).store.list());
  assert.equal(all.length, 7);
  assert.ok(all.every((/** @type {any} */ { complete }) => complete));
});

test("a folder that could not be opened is told at import, and nothing is kept", async (t) => {
  const folder = join(await testModels(), "models/tiny");
  /** @type {Record<string, string>} */
  const whole = {};
  for (const path of await readdir(folder, { recursive: true }))
    if (extname(path)) whole[`tiny/${path}`] = await readFile(join(folder, path), "base64");
  const { open } = await profile(t, new Weights(SIZES));
  const page = await open();
  const unet = "tiny/unet/diffusion_pytorch_model.safetensors";
  const vocabulary = "tiny/tokenizer/vocab.json";
  const { [unet]: weights = "", ...without } = whole;
  const { [vocabulary]: _, ...speechless } = whole;
  const encoder = ["transformers", "CLIPTextModelWithProjection"];
  const index = { _class_name: "StableDiffusionXLPipeline", text_encoder_2: encoder };
  const other = { ...whole, "tiny/model_index.json": [...Buffer.from(JSON.stringify(index))] };
  for (const [files, told] of /** @type {[Parameters<typeof imported>[1], RegExp][]} */ ([
    [without, /unet\/diffusion_pytorch_model\.safetensors was not found/],
    [{ ...without, [`${unet}.incomplete`]: weights }, /its download was not finished/],
    [{ ...without, [unet.replace("model.", "model.non_ema.")]: weights }, /another variant/],
    [{ ...whole, [unet]: weights.slice(0, 4000) }, /unet\/.* is damaged/],
    [speechless, /tokenizer\/vocab\.json was not found/],
    [other, /the index of another kind of model \(StableDiffusionXLPipeline\)/],
  ])) {
    await assert.rejects(imported(page, files, "tiny"), told);
    const models = await page.evaluate(() => /** @type {any} */ (window).store.list());
    assert.deepEqual(models, []);
  }
  assert.equal((await imported(page, whole, "tiny")).id, "tiny");
});

test("a library that the browser has emptied is noticed, and said once", async (t) => {
  const weights = new Weights(SIZES);
  const { open } = await profile(t, weights);
  const page = await open();
  await add(page, weights.manifest(CHUNK));
  assert.equal((await call(page, "download")).fault, null);
  const first = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase("darkroom-weights");
        request.onsuccess = () => resolve("deleted");
        request.onerror = reject;
      }),
  );
  assert.equal(first, "deleted");
  const list = () =>
    page.evaluate(async () => {
      // @ts-ignore: a module of the page
      const { Store } = await import("./store/client.js");
      const store = new Store();
      /** @type {string[]} */
      const lost = [];
      store.onLost = (/** @type {string[]} */ titles) => lost.push(...titles);
      return { models: (await store.list()).length, lost };
    });
  assert.deepEqual(await list(), { models: 0, lost: ["A test"] });
  assert.deepEqual(await list(), { models: 0, lost: [] });
});

test("a tab whose database another tab has upgraded says that", async (t) => {
  const { open } = await profile(t, new Weights(SIZES));
  const page = await open();
  const list = () =>
    page.evaluate(() =>
      /** @type {any} */ (window).store.list().then(
        () => "listed",
        (/** @type {any} */ error) => error.message,
      ),
    );
  assert.equal(await list(), "listed");
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open("darkroom-weights", 2);
        request.onsuccess = () => resolve(request.result.close());
      }),
  );
  assert.match(await list(), /another tab has opened a newer version of this app/);
  assert.match(await list(), /written by a newer version of this app/);
});

test("a database from the future is refused and left alone", async (t) => {
  const { open } = await profile(t, new Weights(SIZES));
  const page = await open();
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open("darkroom-weights", 99);
        request.onsuccess = () => resolve(request.result.close());
      }),
  );
  const fault = await page.evaluate(() =>
    /** @type {any} */ (window).store.list().catch((/** @type {any} */ e) => e.message),
  );
  assert.match(fault, /written by a newer version of this app. Nothing was changed/);
});
