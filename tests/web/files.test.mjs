// Files dropped on the page: requests of other programs and what of them is lost, pictures that
// cannot be read, lists in this page's own export.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** @param {string} kind @param {Uint8Array} body */
function chunk(kind, body) {
  const inner = Buffer.concat([Buffer.from(kind), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(inner));
  return Buffer.concat([length, inner, sum]);
}

/**
 * A PNG of one colour under full transparency, with texts.
 * @param {number} side @param {Record<string, string>} [texts]
 */
function png(side, texts = {}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side);
  header.writeUInt32BE(side, 4);
  header.set([8, 6], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(4 * 8, Buffer.from([240, 20, 30, 0]))]);
  const rows = Buffer.concat(Array.from({ length: 8 }, () => row));
  const all = Object.entries(texts).map((pair) => chunk("tEXt", Buffer.from(pair.join("\0"))));
  const data = chunk("IDAT", deflateSync(rows));
  const end = chunk("IEND", Buffer.alloc(0));
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), ...all, data, end]);
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name @param {Uint8Array} bytes @param {string} [type]
 */
function drop(page, name, bytes, type = "") {
  return page.evaluate(
    ({ name, bytes, type }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
      document.body.dispatchEvent(
        new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }),
      );
    },
    { name, bytes: [...bytes], type },
  );
}

test("a request of another program fills the form, and what is lost is named", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const parameters =
    "a <lora:paint:0.7> fox\nSteps: 25, Sampler: DPM++ SDE, Seed: 77, Size: 64x64, Clip skip: 2";
  await drop(page, "a.png", png(8, { parameters }), "image/png");
  const losses = page.locator("#losses");
  await losses.filter({ hasText: "LoRA paint (0.7)" }).waitFor();
  assert.match((await losses.textContent()) ?? "", /sampler DPM\+\+ SDE/);
  const value = (/** @type {string} */ id) => page.locator(`#${id}`).inputValue();
  assert.deepEqual(
    [await value("prompt"), await value("sampler"), await value("clip_skip"), await value("rng")],
    ["a fox", "ddim", "2", "philox"],
  );
  const empty = "\nNegative prompt: text\nSteps: 20, Sampler: Euler a, Seed: 5, Size: 64x64";
  await drop(page, "b.png", png(8, { parameters: empty }), "image/png");
  await page.waitForFunction(() => {
    const prompt = document.getElementById("prompt");
    return prompt instanceof HTMLTextAreaElement && prompt.value === "";
  });
  assert.equal(await losses.isVisible(), false);
  await drop(page, "c.png", png(8, { workflow: '{"nodes": []}' }), "image/png");
  await page.locator("#fault").filter({ hasText: "holds a ComfyUI workflow" }).waitFor();
});

test("a picture that cannot be read is one sentence, gone after a good one", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const fault = page.locator("#fault");
  const good = png(8);
  await drop(page, "cut.png", good.subarray(0, 60), "image/png");
  await fault.filter({ hasText: "cut.png cannot be" }).waitFor();
  assert.ok(!(await page.locator("#progress-text").textContent())?.includes("cut.png"));
  await drop(page, "good.png", good, "image/png");
  await page.locator("#initial-box").waitFor();
  await fault.waitFor({ state: "hidden" });
  // What lies under transparency is what it stands for.
  const colour = await page.evaluate(() => {
    const small = /** @type {HTMLCanvasElement} */ (document.getElementById("initial-small"));
    return [...(small.getContext("2d")?.getImageData(2, 2, 1, 1).data ?? [])];
  });
  assert.deepEqual(colour, [240, 20, 30, 255]);
  await drop(page, "bomb.png", png(16_000), "image/png");
  await fault.filter({ hasText: "16000 × 16000 pixels; at most 8192 × 8192" }).waitFor();
});

test("the page's own list is read again, and a wrong line of one is told", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const address = "files/zip.js";
  const bytes = await page.evaluate(async (path) => {
    /** @type {typeof import("../../web/files/zip.js")} */
    const { zip } = await import(new URL(path, document.baseURI).href);
    const line = '{"prompt":"a kept one","seed":"5","file":"a.png","engine":"x","seconds":1}\n';
    const made = new Date();
    const archive = await zip([{ name: "requests.jsonl", blob: new Blob([line]), made }]);
    return [...new Uint8Array(await archive.arrayBuffer())];
  }, address);
  await drop(page, "darkroom.zip", Uint8Array.from(bytes));
  await page.locator("#jobs").filter({ hasText: "a kept one" }).waitFor();
  await drop(page, "wrong.csv", Buffer.from("prompt,seed\na,1\n,2\n"));
  await page.locator("#fault").filter({ hasText: "line 3: no prompt" }).waitFor();
});
