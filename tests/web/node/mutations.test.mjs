// The page's readers of pictures and lists, on seeded mutations of valid inputs: whatever comes,
// they answer soon, in their own form, or with a sentence. In Node: none needs a browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readExif } from "../../../web/files/exif.js";
import { readTexts } from "../../../web/files/png.js";
import { requestOf } from "../../../web/files/request.js";
import { readRows } from "../../../web/files/table.js";
import { decodeText } from "../../../web/files/text.js";
import { isZip, unzipOne } from "../../../web/files/unzip.js";
import { zip } from "../../../web/files/zip.js";
import { pngWith } from "../harness/files.mjs";

/** Mutations of each reader. */
const MUTATIONS = 3_000;
/** None of the inputs has more than a few kilobytes, so none may take so long on any machine. */
const SLOWEST_MS = 5_000;

/** What readers stumble over. */
const NASTY = [
  "\0",
  "\n",
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\u{feff}",
  "\u{1f408}",
  "NaN",
  "null",
  "-1",
  "1e999",
  "__proto__",
  "constructor",
  '"0", 0',
  "\nSteps: ",
  "(",
  ")",
];

/** Numbers by a seed: mulberry32. @param {number} seed */
function random(seed) {
  let state = seed >>> 0;
  return (/** @type {number} */ below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One to four changes. @param {Buffer} valid @param {(below: number) => number} next */
function mutate(valid, next) {
  let bytes = valid;
  for (let i = next(4); i >= 0 && bytes.length > 0; i--) {
    const at = next(bytes.length);
    const end = Math.min(bytes.length, at + 1 + next(24));
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const nasty = Buffer.from(NASTY[next(NASTY.length)] ?? "");
    const changed = [
      [head, Buffer.from([next(256)]), tail.subarray(1)],
      [head, nasty, tail],
      [head, bytes.subarray(end)],
      [head, bytes.subarray(at, end), tail],
      [head, nasty, bytes.subarray(end)],
      [head],
    ][next(6)];
    bytes = Buffer.concat(changed ?? []);
  }
  return bytes;
}

/**
 * @param {string} name
 * @param {Buffer[]} seeds
 * @param {(bytes: Buffer) => unknown} read
 */
async function survives(name, seeds, read) {
  const next = random([...name].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7));
  let slowest = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = seeds[i] ?? mutate(seeds[next(seeds.length)] ?? Buffer.alloc(0), next);
    const begun = performance.now();
    try {
      await read(bytes);
    } catch (error) {
      assert.fail(`${name}, mutation ${i}: ${error}\n${JSON.stringify(String(bytes))}`);
    }
    slowest = Math.max(slowest, performance.now() - begun);
  }
  assert.ok(slowest < SLOWEST_MS, `${name}: ${slowest} ms`);
}

/** Fails unless what was read has a form's fields. @param {Map<string, string>} texts */
function asRequest(texts) {
  const found = requestOf(texts);
  if (found === null || typeof found === "string") return;
  for (const [field, value] of found.fields)
    assert.deepEqual([typeof field, typeof value], ["string", "string"]);
  assert.ok(found.notImported.every((one) => typeof one === "string" && one.length <= 200));
}

const A1111 =
  "a (red:1.4) fox\nNegative prompt: text\nSteps: 25, Sampler: DPM++ 2M Karras, " +
  'CFG scale: 6.5, Seed: 77, Size: 512x768, Model: "a, b", Clip skip: 2, Hires upscale: 2';
const GRAPH = JSON.stringify({
  3: {
    class_type: "KSampler",
    inputs: {
      seed: ["9", 0],
      steps: 30,
      cfg: 6.5,
      denoise: 0.4,
      sampler_name: "dpmpp_2m",
      scheduler: "karras",
      positive: ["6", 0],
      negative: ["7", 0],
      latent_image: ["5", 0],
    },
  },
  5: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 96, batch_size: 1 } },
  6: { class_type: "CLIPTextEncode", inputs: { text: ["8", 0], clip: ["4", 1] } },
  7: { class_type: "ConditioningZeroOut", inputs: { conditioning: ["6", 0] } },
  8: { class_type: "StringConcatenate", inputs: { string_a: "a", string_b: ["8", 0] } },
  9: { class_type: "Seed", inputs: { seed: 42 } },
});
const TEXTS = /** @type {const} */ ([
  ["parameters", A1111],
  ["prompt", GRAPH],
  ["darkroom", '{"prompt": "a", "seed": "7", "steps": 3, "guidance_interval": [0.1, 0.8]}'],
  ["invokeai_metadata", '{"positive_prompt": "a [b]", "seed": 4, "width": 64, "cfg_scale": 6.5}'],
  ["sd-metadata", '{"image": {"prompt": [{"prompt": "a", "weight": 1}], "steps": 3, "seed": 1}}'],
  ["Dream", '"a fox [text]" -s 20 -S 7 -W 64 -H 96 -C 7.5 -A k_euler'],
  ["parameters", '{"sui_image_params": {"prompt": "a", "seed": 3, "steps": 4}}'],
  ["Comment", '{"prompt": "a", "uc": "b", "steps": 28, "seed": 5, "sampler": "k_euler"}'],
]);

for (const [keyword, text] of TEXTS) {
  test(`${keyword} that begins ${text.slice(0, 18)}`, () =>
    survives(keyword + text, [Buffer.from(text)], (bytes) =>
      asRequest(
        new Map([
          [keyword, String(bytes)],
          ["Software", "NovelAI"],
        ]),
      ),
    ));
}

test("PNG files with texts", async () => {
  const files = TEXTS.map(([keyword, text]) => Buffer.from(pngWith({ [keyword]: text })));
  await survives("png", files, async (bytes) => asRequest(await readTexts(new Uint8Array(bytes))));
});

test("Exif data of JPEG files", async () => {
  const text = Buffer.from(`UNICODE\0${A1111}`);
  const tiff = Buffer.alloc(26);
  tiff.write("II*\0");
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(1, 8);
  tiff.writeUInt16LE(0x9286, 10);
  tiff.writeUInt16LE(7, 12);
  tiff.writeUInt32LE(text.length, 14);
  tiff.writeUInt32LE(26, 18);
  const body = Buffer.concat([Buffer.from("Exif\0\0"), tiff, text]);
  const size = body.length + 2;
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, size >> 8, size & 255]);
  await survives("exif", [Buffer.concat([head, body])], (bytes) =>
    asRequest(readExif(new Uint8Array(bytes))),
  );
});

test("lists of requests", async () => {
  const lists = [
    'prompt,seed,steps\r\n"a ""quoted"", cat",7,3\r\nplain,8,\r\n',
    "prompt;seed\na;1\nb;2\n",
    '{"prompt": "wide", "seed": 9007199254740993, "width": 96}\n"only text"\n',
    '--prompt "a fox" --steps 4 --seed 7\na plain prompt\n',
    "{a|b} cat\n[dog]\n",
  ];
  for (const name of ["list.csv", "list.jsonl", "list.txt"]) {
    await survives(
      name,
      lists.map((list) => Buffer.from(list)),
      (bytes) => {
        try {
          const text = decodeText(new Uint8Array(bytes));
          for (const row of readRows(name, text))
            assert.ok(Object.values(row).every((value) => typeof value === "string"));
        } catch (error) {
          // What is wrong is told as that, with its line.
          if (!(error instanceof SyntaxError)) throw error;
        }
      },
    );
  }
});

test("zip files", async () => {
  const jobs = new Blob(['{"prompt": "a", "seed": "7"}\n']);
  const blob = await zip([{ name: "requests.jsonl", blob: jobs, made: new Date(0) }]);
  const whole = Buffer.from(await blob.arrayBuffer());
  await survives("zip", [whole], async (bytes) => {
    if (!isZip(new Uint8Array(bytes))) return;
    try {
      await unzipOne(new Blob([new Uint8Array(bytes)]), "requests.jsonl");
    } catch (error) {
      // A sentence of ours, and none of the language's own.
      if (Object.getPrototypeOf(error) !== Error.prototype) throw error;
    }
  });
});

test("the golden texts of AUTOMATIC1111 are read", async () => {
  const path = join(import.meta.dirname, "../../golden/infotexts.json");
  const { cases } = JSON.parse(await readFile(path, "utf8"));
  const seeds = cases.map((/** @type {{ text: string }} */ { text }) => Buffer.from(text));
  await survives("infotexts", seeds, (bytes) =>
    asRequest(new Map([["parameters", String(bytes)]])),
  );
});
