// The places of a file in which programs write their settings: the same text is found in each of
// them, and what is damaged or too long is no text.

import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";
import test from "node:test";
import { readExif } from "../../../web/files/exif.js";
import { readTexts } from "../../../web/files/png.js";
import { requestOf } from "../../../web/files/request.js";

/** AUTOMATIC1111's text, with letters beyond Latin-1. */
const TEXT =
  "a fox, 狐\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 77, " +
  "Size: 512x640, Version: v1.10.1";
/** Draw Things' settings, as its XMP has them. */
const JSON_TEXT = JSON.stringify({ c: "a fox, 狐", uc: "blurry", seed: 77, steps: 20, scale: 7 });
const XMP = `<x:xmpmeta><exif:UserComment><rdf:li>${JSON_TEXT.replaceAll('"', "&quot;")}</rdf:li>`;

/** @param {string} kind @param {Buffer} body */
function chunk(kind, body) {
  const inside = Buffer.concat([Buffer.from(kind), body]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(inside));
  return Buffer.concat([size, inside, sum]);
}

/** A PNG file. @param {Buffer[]} chunks */
const png = (...chunks) =>
  Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    ...[chunk("IHDR", Buffer.alloc(13)), ...chunks, chunk("IDAT", Buffer.alloc(4))],
    chunk("IEND", Buffer.alloc(0)),
  ]);

/**
 * A text of a PNG file whose compressed part is `body`.
 * @param {string} head
 * @param {Buffer} body
 */
const textChunk = (head, body) => Buffer.concat([Buffer.from(head, "latin1"), body]);

/** Exif data with a user's comment. @param {Buffer} comment */
function tiff(comment) {
  const data = Buffer.alloc(44);
  data.write("II*\0");
  data.writeUInt32LE(8, 4);
  for (const [at = 0, tag = 0, type = 0, count = 0, value = 0] of [
    [8, 0x8769, 4, 1, 26],
    [26, 0x9286, 7, comment.length, 44],
  ]) {
    data.writeUInt16LE(1, at);
    data.writeUInt16LE(tag, at + 2);
    data.writeUInt16LE(type, at + 4);
    data.writeUInt32LE(count, at + 6);
    data.writeUInt32LE(value, at + 10);
  }
  return Buffer.concat([data, comment]);
}

/** A JPEG file with one segment APP1. @param {string} mark @param {Buffer} body */
function jpeg(mark, body) {
  const whole = Buffer.concat([Buffer.from(mark), body]);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(whole.length + 2, 4);
  return Buffer.concat([head, whole, Buffer.from([0xff, 0xda, ...Array(20).fill(0)])]);
}

/** A WebP file with one chunk. @param {string} kind @param {Buffer} body */
function webp(kind, body) {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from("RIFF....WEBP"), Buffer.from(kind), size, body]);
}

const utf16 = Buffer.concat([Buffer.from("UNICODE\0"), Buffer.from(TEXT, "utf16le")]);
const exif = tiff(utf16);
const XAP = "http://ns.adobe.com/xap/1.0/\0";
const utf8 = Buffer.from(TEXT);
const packed = deflateSync(utf8);

/** @type {[carrier: string, file: Buffer, program: string][]} */
const CARRIERS = [
  ["PNG, tEXt", png(chunk("tEXt", textChunk("parameters\0", utf8))), "AUTOMATIC1111"],
  ["PNG, zTXt", png(chunk("zTXt", textChunk("parameters\0\0", packed))), "AUTOMATIC1111"],
  ["PNG, iTXt", png(chunk("iTXt", textChunk("parameters\0\0\0\0\0", utf8))), "AUTOMATIC1111"],
  [
    "PNG, iTXt with a language, compressed",
    png(chunk("iTXt", textChunk("parameters\0\x01\0en\0Parameter\0", packed))),
    "AUTOMATIC1111",
  ],
  ["PNG, eXIf", png(chunk("eXIf", exif)), "AUTOMATIC1111"],
  [
    "PNG, XMP",
    png(chunk("iTXt", textChunk("XML:com.adobe.xmp\0\0\0\0\0", Buffer.from(XMP)))),
    "Draw Things",
  ],
  ["JPEG, Exif", jpeg("Exif\0\0", exif), "AUTOMATIC1111"],
  ["JPEG, XMP", jpeg(XAP, Buffer.from(XMP)), "Draw Things"],
  ["WebP, Exif", webp("EXIF", exif), "AUTOMATIC1111"],
  ["WebP, XMP", webp("XMP ", Buffer.from(XMP)), "Draw Things"],
];

/** What the page reads from a file. @param {Buffer} file */
async function read(file) {
  const bytes = new Uint8Array(file);
  return requestOf(new Map([...readExif(bytes), ...(await readTexts(bytes))]));
}

for (const [carrier, file, program] of CARRIERS)
  test(`settings are read from ${carrier}`, async () => {
    const found = await read(file);
    assert.ok(found && typeof found === "object");
    const fields = new Map(found.fields);
    assert.equal(found.program, program);
    assert.deepEqual(
      ["prompt", "negative_prompt", "seed", "steps", "guidance_scale"].map((name) =>
        fields.get(name),
      ),
      ["a fox, 狐", "blurry", "77", "20", "7"],
    );
  });

test("settings are read from pasted text, as from a file", () => {
  for (const [text, program] of [
    [TEXT, "AUTOMATIC1111"],
    [TEXT.replaceAll("\n", "\r\n"), "AUTOMATIC1111"],
  ]) {
    const found = requestOf(new Map([["parameters", text ?? ""]]));
    assert.ok(found && typeof found === "object");
    assert.equal(found.program, program);
    assert.equal(new Map(found.fields).get("seed"), "77");
  }
});

test("a text that is damaged or too long is none; others of the file are read", async () => {
  const bomb = deflateSync(Buffer.alloc(40_000_000, 97));
  const cut = packed.subarray(0, packed.length - 8);
  const rest = chunk("tEXt", textChunk("parameters\0", utf8));
  for (const bad of [bomb, cut, Buffer.from("not compressed")])
    for (const broken of [
      chunk("zTXt", textChunk("Comment\0\0", bad)),
      chunk("iTXt", textChunk("Comment\0\x01\0\0\0", bad)),
    ]) {
      const texts = await readTexts(new Uint8Array(png(broken, rest)));
      assert.deepEqual([...texts.keys()], ["parameters"]);
    }
});
