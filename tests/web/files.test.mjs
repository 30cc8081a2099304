// Files dropped on the page: requests of other programs and what of them is lost, pictures that
// cannot be read, lists in this page's own export.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { seriousFaults } from "./harness/axe.mjs";
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

/**
 * A JPEG with a user's comment in Exif data, as web UIs write it: UTF-16, in the order of the data.
 * @param {Buffer} jpeg @param {string} text
 */
function withComment(jpeg, text) {
  const comment = Buffer.concat([Buffer.from("UNICODE\0"), Buffer.from(text, "utf16le").swap16()]);
  const entry = (/** @type {number[]} */ [tag = 0, type = 0, count = 0, value = 0]) => {
    const made = Buffer.alloc(12);
    made.writeUInt16BE(tag);
    made.writeUInt16BE(type, 2);
    made.writeUInt32BE(count, 4);
    made.writeUInt32BE(value, 8);
    return Buffer.concat([Buffer.from([0, 1]), made, Buffer.alloc(4)]);
  };
  const tiff = Buffer.concat([
    Buffer.from("MM\0*\0\0\0\b", "latin1"),
    entry([0x8769, 4, 1, 26]),
    entry([0x9286, 7, comment.length, 44]),
    comment,
  ]);
  const body = Buffer.concat([Buffer.from("Exif\0\0"), tiff]);
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), marker, body, jpeg.subarray(2)]);
}

test("a request of another program fills the form, and what is lost is named", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const parameters =
    "a <lora:paint:0.7> fox\nSteps: 25, Sampler: Restart, Seed: 77, Size: 64x64, Clip skip: 2";
  await drop(page, "a.png", png(8, { parameters }), "image/png");
  const losses = page.locator("#losses");
  await losses.filter({ hasText: "LoRA paint (0.7)" }).waitFor();
  assert.match((await losses.textContent()) ?? "", /sampler Restart/);
  const value = (/** @type {string} */ id) => page.locator(`#${id}`).inputValue();
  assert.deepEqual(
    [await value("prompt"), await value("sampler"), await value("clip_skip"), await value("rng")],
    ["a <lora:paint:0.7> fox", "ddim", "2", "philox"],
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

test("the nearest sampler is offered, and taken by the button alone", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const settings =
    "Sampler: DPM adaptive, Seed: 7, Size: 64x64, Model: dreamy, Model hash: 01234567";
  const parameters = `a fox\nSteps: 20, ${settings}`;
  await drop(page, "a.png", png(8, { parameters }), "image/png");
  const note = page.locator("#losses");
  await note.filter({ hasText: "the nearest is dpm_2" }).waitFor();
  await note.filter({ hasText: "Made with: model dreamy, hash 01234567." }).waitFor();
  const sampler = page.locator("#sampler");
  assert.equal(await sampler.inputValue(), "ddim");
  assert.deepEqual(await seriousFaults(page), []);
  await note.getByRole("button", { name: "Use dpm_2" }).press("Enter");
  assert.equal(await sampler.inputValue(), "dpm_2");
  assert.equal(await page.locator("#prompt").inputValue(), "a fox");
  await note.filter({ hasText: "dpm_2 is chosen." }).waitFor();
  assert.equal(await note.evaluate((it) => it === document.activeElement), true, "the focus");
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
  const fault = page.locator("#fault");
  await drop(page, "wrong.csv", Buffer.from("prompt,seed\na,1\n,2\n"));
  await fault.filter({ hasText: "line 3: no prompt" }).waitFor();
  await drop(page, "odd.csv", Buffer.from("prompt,colour\na,red\n"));
  await fault.filter({ hasText: "“colour” is not a field of a request" }).waitFor();
  await drop(page, "seed.csv", Buffer.from("prompt,seed\na,many\n"));
  await fault.filter({ hasText: /line 2: seed must be .*“many”/ }).waitFor();
  assert.equal(await page.locator("#jobs li").count(), 1, "nothing was added");
});

test("the gallery's export, dropped on the queue, is drawn to the last job", async (t) => {
  const { page, state, make } = await visit(t, { device: "cpu", hash: "#steps=2" });
  await state("ready");
  await make({ prompt: "a red heart", seed: "1" });
  await make({ prompt: "a blue moon", seed: "2" });
  await page.locator('[data-view="gallery"]').click();
  await page.waitForFunction(() => document.querySelectorAll("#images li").length === 2);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export zip" }).click();
  const archive = await readFile(await (await downloading).path());
  await page.locator('[data-view="queue"]').click();
  await drop(page, "pictures.zip", archive);
  const told = page.locator("#queue-status");
  await told.filter({ hasText: "2 waiting" }).waitFor();
  await page.locator("#queue-run").click();
  await told.filter({ hasText: /^2 done$/ }).waitFor();
});

test("the request in a JPEG's Exif data fills the form, and is all that is taken", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const plain = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(16, 16);
    canvas.getContext("2d")?.fillRect(0, 0, 9, 9);
    const blob = await canvas.convertToBlob({ type: "image/jpeg" });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  const text =
    "a fox, 狐\nNegative prompt: text\nSteps: 21, Sampler: Euler a, CFG scale: 7, " +
    "Seed: 5, Size: 64x64, Clip skip: 2";
  await drop(page, "a.jpg", withComment(Buffer.from(plain), text), "image/jpeg");
  await page.locator("#progress-text").filter({ hasText: "AUTOMATIC1111" }).waitFor();
  const value = (/** @type {string} */ id) => page.locator(`#${id}`).inputValue();
  assert.deepEqual(
    [await value("prompt"), await value("steps"), await value("seed"), await value("clip_skip")],
    ["a fox, 狐", "21", "5", "2"],
  );
  assert.equal(await page.locator("#initial-box").isVisible(), false);
});
