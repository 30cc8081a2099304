// What reads files of other programs: requests in pictures, lists, archives; and that the time it
// takes grows with the length of what it reads, and no faster.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseParameters } from "../../../web/files/parameters.js";
import { pngPixels } from "../../../web/files/png_pixels.js";
import { requestOf } from "../../../web/files/request.js";
import { read } from "../harness/told.mjs";
import { csvCell } from "../../../web/files/lines.js";
import { readExif } from "../../../web/files/exif.js";
import { readRows } from "../../../web/files/table.js";
import { decodeText } from "../../../web/files/text.js";
import { unzipOne } from "../../../web/files/unzip.js";
import { zip } from "../../../web/files/zip.js";
import { deflateSync } from "node:zlib";

/** @param {string} settings @param {string} [prompt] */
const infotext = (settings, prompt = "a fox") =>
  read({ parameters: `${prompt}\nNegative prompt: text\nSteps: 20, ${settings}, Seed: 5` });

test("the text of AUTOMATIC1111 has the parts that the native program finds", async () => {
  const path = join(import.meta.dirname, "../../golden/infotexts.json");
  const { cases } = JSON.parse(await readFile(path, "utf8"));
  for (const { about, text, ...right } of cases)
    assert.deepEqual(parseParameters(text), right, about);
});

test("AUTOMATIC1111: clip skip, weights, chunks, noise, schedules", () => {
  const all = infotext("Sampler: Euler a, CFG scale: 7, Clip skip: 2");
  assert.equal(all["clip_skip"], "2");
  assert.equal(all["prompt_syntax"], "a1111");
  assert.equal(all["long_prompt"], "chunks");
  assert.deepEqual([all["rng"], all.notImported], ["philox", []]);
  assert.equal(infotext("RNG: CPU")["rng"], "torch");
  assert.equal(infotext("RNG: cuda")["rng"], "philox");
  assert.deepEqual(infotext("RNG: std_default").notImported, ["noise source std_default"]);
  const automatic = (/** @type {string} */ sampler) =>
    infotext(`Sampler: ${sampler}, Schedule type: Automatic`);
  assert.equal(automatic("DPM++ 2M")["sigmas"], "karras");
  assert.equal(automatic("Euler")["sigmas"], undefined);
  assert.equal(automatic("DPM++ 2M SDE")["sigmas"], "exponential");
  assert.deepEqual(automatic("DPM++ 2M SDE").notImported, [
    "the noise that AUTOMATIC1111's sampler DPM++ 2M SDE adds in its steps, which is another one",
  ]);
  const both = infotext("Sampler: DPM++ SDE Karras");
  assert.deepEqual([both["sampler"], both["sigmas"]], ["dpmpp_sde", "karras"]);
  const unknown = infotext("Sampler: Restart Karras");
  assert.equal(unknown["sampler"], undefined);
  assert.match(unknown.notImported.join(), /sampler Restart Karras/);
  assert.equal(read({ parameters: "a\nSteps: 3, Seed: -1, Size: 64x64" })["seed"], undefined);
  const line = read({ parameters: "a fox Negative prompt: text Steps: 20, Seed: 5, Size: 8x8" });
  assert.deepEqual([line["prompt"], line["negative_prompt"]], ["a fox", "text"]);
  const ours = read({ parameters: "a (b)\nSteps: 3, Seed: 1, Safety checker: none" });
  assert.deepEqual([ours["rng"], ours["prompt_syntax"]], ["torch", undefined]);
  const old = read({ parameters: "a\nSteps: 3, Prompt weights: true, Safety checker: none" });
  assert.equal(old["prompt_syntax"], "a1111");
});

test("what a prompt cannot say here is taken out and named", () => {
  const prompt = "a [fox:cat:0.5] <lora:paint:0.7> <hypernet:sketch:0.5> AND [a|b]";
  const fox = infotext("Sampler: Euler, Hires CFG Scale: 2", prompt);
  assert.equal(fox["prompt"], "a [fox:cat:0.5] <lora:paint:0.7> AND [a|b]");
  assert.deepEqual(fox.notImported, ["hypernetwork sketch (0.5)", "Hires CFG Scale: 2"]);
});

test("Fooocus, SwarmUI, InvokeAI, NovelAI, Easy Diffusion, Draw Things", () => {
  const fooocus = read({ parameters: { prompt: "a cat", negative_prompt: "n", seed: "7" } });
  const { prompt, seed, program } = fooocus;
  assert.deepEqual([prompt, seed, program], ["a cat", "7", "Fooocus"]);
  const sui_image_params = { prompt: "b", negativeprompt: "n", seed: 8 };
  const swarm = read({ parameters: { sui_image_params } });
  assert.deepEqual([swarm["negative_prompt"], swarm["seed"], swarm.program], ["n", "8", "SwarmUI"]);
  const options = "-s 12 -S4 -W64 -H 72 -C7.5 -A k_euler -I x.png -f 0.6";
  const dream = read({ Dream: `"a cat [dog]" ${options}` });
  assert.deepEqual(
    ["prompt", "negative_prompt", "steps", "seed", "height", "sampler", "strength"].map(
      (name) => /** @type {any} */ (dream)[name],
    ),
    ["a cat", "dog", "12", "4", "72", "euler", "0.6"],
  );
  const made = { positive_prompt: "c", steps: 2, scheduler: "dpmpp_2m_k" };
  const begun = { generation_mode: "img2img", strength: 0.3 };
  const invoke = read({ invokeai_metadata: { ...made, ...begun } });
  assert.deepEqual(
    [invoke["sigmas"], invoke["strength"], invoke.notImported.length],
    ["karras", "0.3", 1],
  );
  const nai = read({ Description: "[a], {b}", Comment: { steps: 9, scale: 11, uc: "", seed: 3 } });
  assert.deepEqual([nai["prompt"], nai["steps"]], ["(a:0.952), (b:1.05)", "9"]);
  const easy = read({ prompt: "d", num_inference_steps: "25", sampler_name: "euler_a" });
  assert.deepEqual([easy["prompt"], easy["sampler"]], ["d", "euler_ancestral"]);
  const json = "{&quot;c&quot;:&quot;e&quot;,&quot;seed&quot;:4}";
  const xmp = `<exif:UserComment>${json}</exif:UserComment>`;
  assert.deepEqual(read({ "XML:com.adobe.xmp": xmp })["seed"], "4");
  assert.equal(requestOf(new Map([["parameters", '{"other": 1}']])), "unread");
});

test("the user's comment in Exif data, in either order of bytes", () => {
  const text = "a 狐\nSteps: 20, Seed: 5, Size: 8x8";
  for (const little of [true, false]) {
    const words = Buffer.from(text, "utf16le");
    if (!little) words.swap16();
    const comment = Buffer.concat([Buffer.from("UNICODE\0"), words]);
    const tiff = Buffer.alloc(44);
    const view = new DataView(tiff.buffer, tiff.byteOffset);
    tiff.write(little ? "II" : "MM");
    const entries = [
      [8, 0x8769, 4, 1, 26],
      [26, 0x9286, 7, comment.length, 44],
    ];
    view.setUint32(4, 8, little);
    for (const [at = 0, tag = 0, type = 0, count = 0, value = 0] of entries) {
      view.setUint16(at, 1, little);
      view.setUint16(at + 2, tag, little);
      view.setUint16(at + 4, type, little);
      view.setUint32(at + 6, count, little);
      view.setUint32(at + 10, value, little);
    }
    const data = Buffer.concat([Buffer.from("Exif\0\0"), tiff, comment]);
    const size = Buffer.from([(data.length + 2) >> 8, (data.length + 2) & 255]);
    const start = Buffer.from([0xff, 0xd8, 0xff, 0xe1]);
    const jpeg = Buffer.concat([start, size, data, Buffer.alloc(20)]);
    assert.equal(readExif(jpeg).get("parameters"), text, String(little));
    const head = Buffer.from("RIFF....WEBPEXIF....");
    head.writeUInt32LE(data.length, 16);
    assert.equal(readExif(Buffer.concat([head, data])).get("parameters"), text, String(little));
    // In a PNG file the chunk eXIf, with or without the mark, also behind the picture.
    for (const inside of [data, data.subarray(6)]) {
      const png = Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        ...[chunk("IHDR", Buffer.alloc(13)), chunk("IDAT", Buffer.alloc(4))],
        ...[chunk("eXIf", inside), chunk("IEND", Buffer.alloc(0))],
      ]);
      assert.equal(readExif(png).get("parameters"), text, String(little));
      assert.equal(readExif(png.subarray(0, 60)).get("parameters"), undefined);
    }
  }
  assert.equal(readExif(new Uint8Array([0xff, 0xd8, 0xff])).size, 0);
});

test("user comments without an encoding, and XMP, of JPEG and WebP files", () => {
  const fooocus = '{"prompt": "a fox", "seed": "7"}';
  const tiff = Buffer.alloc(26);
  tiff.write("II*\0");
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(1, 8);
  tiff.writeUInt16LE(0x9286, 10);
  tiff.writeUInt16LE(2, 12);
  tiff.writeUInt32LE(fooocus.length, 14);
  tiff.writeUInt32LE(26, 18);
  const exif = Buffer.concat([tiff, Buffer.from(fooocus)]);
  const json = "{&quot;c&quot;:&quot;a cat&quot;,&quot;seed&quot;:4}";
  const xmp = Buffer.from(`<exif:UserComment>${json}</exif:UserComment>`);
  const segment = (/** @type {string} */ mark, /** @type {Buffer} */ body) => {
    const whole = Buffer.concat([Buffer.from(mark), body]);
    return Buffer.concat([
      Buffer.from([0xff, 0xe1, (whole.length + 2) >> 8, (whole.length + 2) & 255]),
      whole,
    ]);
  };
  const jpeg = Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment("http://ns.adobe.com/xap/1.0/\0", xmp),
    segment("Exif\0\0", exif),
    Buffer.from([0xff, 0xda, ...Array(20).fill(0)]),
  ]);
  const part = (/** @type {string} */ kind, /** @type {Buffer} */ body) => {
    const head = Buffer.from(`${kind}....`);
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
  };
  const webp = Buffer.concat([
    ...[Buffer.from("RIFF....WEBP"), part("EXIF", exif), part("XMP ", xmp)],
  ]);
  for (const file of [jpeg, webp]) {
    const texts = readExif(file);
    assert.equal(texts.get("parameters"), fooocus);
    const [one, other] = [requestOf(texts), requestOf(new Map([...texts].slice(0, 1)))];
    assert.ok(one && typeof one === "object" && other && typeof other === "object");
    assert.deepEqual([one.program, other.program], ["Fooocus", "Draw Things"]);
  }
});

test("lists as people have them, checked line by line", () => {
  const prompts = (/** @type {string} */ text, name = "list.txt") =>
    readRows(name, text).map(({ prompt }) => prompt);
  const lists = [["[cat:dog:0.5] in a field", "a fox"], ["{red|blue} fox", "a cat"], ["[[x]]"]];
  for (const lines of lists) assert.deepEqual(prompts(`${lines.join("\n")}\n`), lines);
  assert.deepEqual(readRows("a.csv", '\uFEFFprompt;seed;steps\n"a;\n b";5;20\n'), [
    { prompt: "a;\n b", seed: "5", steps: "20" },
  ]);
  assert.deepEqual(readRows("a.txt", '--prompt "a fox" --steps 20 --sampler_name "Euler a"\n'), [
    { prompt: "a fox", steps: "20", sampler: "euler_ancestral" },
  ]);
  assert.deepEqual(readRows("a.jsonl", '{"prompt":"a","seed":9007199254740993,"engine":"x"}'), [
    { prompt: "a", seed: "9007199254740993" },
  ]);
  assert.deepEqual(readRows("a.csv", "prompt,seed\na,-1\n"), [{ prompt: "a" }]);
  for (const [text, part] of /** @type {const} */ ([
    ["prompt,seed\na,1\n\n,2\n", /line 4: no prompt/],
    ["prompt,magic\na,1\n", /line 2: the column “magic”/],
    ["prompt,seed\na,1\nb,many\n", /line 3: seed must be/],
    ["prompt,seed\na,18446744073709551616\n", /line 2: seed must be/],
    ["prompt,seed,count\na,18446744073709551615,2\n", /line 2: seed \d+ is too large for 2/],
    ["prompt,sampler\na,DPM adaptive\n", /line 2: sampler DPM adaptive/],
  ]))
    assert.throws(() => readRows("a.csv", text), part);
  const wide = Buffer.from("\ufeffa fox\r\n", "utf16le");
  assert.equal(decodeText(wide), "a fox\r\n");
  assert.equal(decodeText(Buffer.from(wide).swap16()), "a fox\r\n");
  assert.throws(() => decodeText(Buffer.from("caf\xe9", "latin1")), /neither UTF-8 nor UTF-16/);
});

test("a list outside an archive keeps its controls, without their pictures", () => {
  const control = {
    file: "sub/canny.safetensors",
    image: "a.png",
    weight: 0.5,
    preprocess: "canny",
  };
  const asked = { prompt: "a", controls: [control] };
  const [row] = readRows("requests.jsonl", JSON.stringify(asked));
  assert.deepEqual(Object.keys(row ?? {}), ["prompt", "controls"]);
  assert.deepEqual(JSON.parse(row?.["controls"] ?? ""), [
    {
      ...{ name: "canny", hash: "", image: "", weight: "0.5", start: "0", end: "1" },
      ...{ guess: false, preprocess: "canny", drawn: false },
    },
  ]);
  // Without its start image a request would be another.
  const begun = JSON.stringify({ ...asked, init: "b.png" });
  assert.throws(
    () => readRows("requests.jsonl", begun),
    /line 1: “init” is an image beside the list/,
  );
  const wrong = JSON.stringify({ prompt: "a", controls: 3 });
  assert.throws(() => readRows("requests.jsonl", wrong), /line 1: controls must be/);
});

test("our own archive gives its list back", async () => {
  const line = '{"prompt":"a","seed":"5","file":"a.png","model":"m","seconds":1.5}\n';
  const archive = await zip([
    { name: "a.png", blob: new Blob(["x"]), made: new Date() },
    { name: "requests.jsonl", blob: new Blob([line]), made: new Date() },
  ]);
  const text = decodeText(await unzipOne(archive, "requests.jsonl"));
  assert.deepEqual(readRows("requests.jsonl", text), [{ prompt: "a", seed: "5" }]);
  await assert.rejects(unzipOne(archive.slice(0, 90), "requests.jsonl"), /not a whole zip/);
  await assert.rejects(unzipOne(await zip([]), "requests.jsonl"), /holds no requests/);
});

test("cells that spreadsheets would run are text", () => {
  for (const cell of ["=1+1", "+a", "-a", "@x", "\tx", "\rx"])
    assert.match(csvCell(cell), /^"?'/, JSON.stringify(cell));
  assert.deepEqual(["-1.5", "+2", "a", "1e-5"].map(csvCell), ["-1.5", "+2", "a", "1e-5"]);
});

/** @param {string} kind @param {Uint8Array} body */
function chunk(kind, body) {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length);
  head.write(kind, 4);
  return Buffer.concat([head, body, Buffer.alloc(4)]);
}

test("colours under transparency, by every filter", async () => {
  const header = Buffer.from([0, 0, 0, 2, 0, 0, 0, 5, 8, 6, 0, 0, 0]);
  // Five rows of two pixels with filters 0 to 4, without any opacity.
  const rows = [
    [0, 1, 2, 3, 0, 4, 5, 6, 0],
    [1, 1, 2, 3, 0, 3, 3, 3, 0],
    [2, 0, 0, 0, 0, 0, 0, 0, 0],
    [3, 1, 1, 2, 0, 2, 2, 2, 0],
    [4, 0, 0, 0, 0, 0, 0, 0, 0],
  ];
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const file = Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  const pixels = await pngPixels(new Uint8Array(file));
  const row = [1, 2, 3, 255, 4, 5, 6, 255];
  const fourth = [1, 2, 3, 255, 4, 5, 6, 255];
  assert.deepEqual([...(pixels?.rgba ?? [])], [...row, ...row, ...row, ...fourth, ...fourth]);
  assert.equal(await pngPixels(new Uint8Array(file.subarray(0, 60))), null);
});

/** @param {string} keyword @param {string} text */
const one = (keyword, text) => requestOf(new Map([[keyword, text]]));
/** @param {string} prompt */
const webUi = (prompt) => one("parameters", `${prompt}\nSteps: 1, a: 1, b: 2`);

/** @param {number} count nodes that each link twice and more to the next, and one to itself */
function tangled(count) {
  const nodes = Array.from({ length: count }, (_, i) => {
    const next = [`n${i + 1}`];
    return [`n${i}`, { inputs: { a: next, b: next, text: next, string: next } }];
  });
  const first = { s: { inputs: { positive: ["n0"], steps: 1, a: ["s"] } } };
  return one("prompt", JSON.stringify({ ...first, ...Object.fromEntries(nodes) }));
}

const invoke = (/** @type {string} */ prompt) => JSON.stringify({ positive_prompt: prompt });
const swarm = (/** @type {string} */ prompt) => JSON.stringify({ sui_image_params: { prompt } });
/** @param {number} count settings of Fooocus */
const named = (count) =>
  JSON.stringify({
    prompt: "a",
    ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, i])),
  });

/**
 * A sampler behind nodes that are passed by, each of which leads to the next.
 * @param {number} count
 */
function workflow(count) {
  const links = Array.from({ length: count }, (_, i) => [i, i, 0, i + 1, 0, "A"]);
  const nodes = links.map(([id]) => ({
    ...{ id, mode: 4, type: "B" },
    inputs: [{ name: "a", type: "A", link: Number(id) - 1 }],
  }));
  const sampler = { id: "s", type: "KSampler", widgets_values: [1, "fixed", 2, 3, "euler"] };
  const inputs = [{ name: "positive", type: "A", link: count - 1 }];
  return JSON.stringify({ nodes: [...nodes, { ...sampler, inputs }], links });
}

/** Texts that once took the square of their length or longer, of about so many characters. */
/** @type {[string, (n: number) => unknown][]} */
const HOSTILE = [
  ["letters", (n) => one("parameters", "a".repeat(n))],
  ["spaces", (n) => one("parameters", `x\nSteps: 1,${" ".repeat(n)}:`)],
  ["quotes", (n) => one("parameters", `Steps: 1, ${'a: "b\\'.repeat(n / 7)}`)],
  ["brackets", (n) => one("sd-metadata", JSON.stringify({ image: { prompt: "[".repeat(n) } }))],
  ["editing", (n) => webUi("[a:b:1".repeat(n / 6))],
  ["alternation", (n) => webUi(`[${"a|".repeat(n / 2)}`)],
  ["networks", (n) => webUi("<lora:a:".repeat(n / 8))],
  ["command line", (n) => one("Dream", `"${"\\a".repeat(n / 2)}`)],
  ["JSON", (n) => one("prompt", `{"a":NaN,"b":"${'\\"'.repeat(n / 2)}`)],
  ["graph", (n) => tangled(n / 50)],
  ["commas", (n) => one("parameters", `a\nSteps: 1, a: 1, b: 2${",".repeat(n)}`)],
  ["settings", (n) => one("parameters", `a\nSteps: 1, ${"a b: 1, ".repeat(n / 8)}`)],
  ["objects in a line", (n) => one("parameters", `a\nSteps: 1, b: 2${", c: [{".repeat(n / 7)}`)],
  ["compel", (n) => one("invokeai_metadata", invoke("((a+ b-".repeat(n / 7)))],
  ["compel's brackets", (n) => one("invokeai_metadata", invoke("(".repeat(n)))],
  ["compel's texts", (n) => one("invokeai_metadata", invoke(`(${'"a",'.repeat(n / 4)}"b").and()`))],
  ["names", (n) => one("parameters", named(n / 12))],
  ["tags", (n) => one("parameters", swarm("<random:a,<b:".repeat(n / 13)))],
  ["sections", (n) => one("parameters", swarm("<segment:a".repeat(n / 10)))],
  ["numeric weights", (n) => one("Comment", JSON.stringify({ uc: "1::a 2:b".repeat(n / 8) }))],
  ["deep JSON", (n) => one("workflow", "[".repeat(n))],
  ["nodes", (n) => one("workflow", workflow(n / 60))],
  ["table", (n) => readRows("a.csv", `prompt\n${'"a""'.repeat(n / 4)}`)],
];

for (const [kind, read] of HOSTILE) {
  test(`time grows with the length: ${kind}`, () => {
    const seconds = (/** @type {number} */ length) => {
      const each = [0, 1, 2].map(() => {
        const begun = performance.now();
        read(length);
        return (performance.now() - begun) / 1000;
      });
      return Math.min(...each);
    };
    // Eight times as long: the square would be sixty-four times.
    const [short, long] = [seconds(30_000), seconds(240_000)];
    assert.ok(long < 0.05 + 32 * short, `${short} s, then ${long} s`);
  });
}
