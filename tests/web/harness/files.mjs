// Files to drop on the page.

import { crc32, deflateSync } from "node:zlib";

/**
 * A PNG of one pixel with texts, in the chunks that its writers use: Latin-1 as tEXt, else iTXt.
 * @param {Record<string, string>} texts by keyword
 */
export const pngWith = (texts) => pngOf(1, 1, () => [9, 9, 9, 255], texts);

/**
 * A PNG with opacity.
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number[]} colour red, green, blue and opacity of a pixel
 * @param {Record<string, string>} [texts] by keyword
 */
export function pngOf(width, height, colour, texts = {}) {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const rows = Array.from({ length: height }, (_, y) => [
    0,
    ...Array.from({ length: width }, (_, x) => colour(x, y)).flat(),
  ]);
  const chunks = Object.entries(texts).map(([keyword, text]) =>
    [...text].every((char) => char < "Ā")
      ? chunk("tEXt", Buffer.from(`${keyword}\0${text}`, "latin1"))
      : chunk("iTXt", Buffer.from(`${keyword}\0\0\0\0\0${text}`)),
  );
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...chunks,
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/**
 * @param {string} kind
 * @param {Buffer} body
 */
function chunk(kind, body) {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(body.length, 0);
  numbers.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([numbers.subarray(0, 4), named, numbers.subarray(4)]);
}

/**
 * Drops a file on the page.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {Buffer} bytes
 */
export async function dropped(page, name, bytes) {
  await page.evaluate(
    ({ name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    },
    { name, base64: bytes.toString("base64") },
  );
}

/** A safetensors file of f32 tensors, all of ones. @param {Record<string, number[]>} shapes */
export function safetensors(shapes) {
  let end = 0;
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += 4 * shape.reduce((all, side) => all * side, 1);
    return [name, { dtype: "F32", shape, data_offsets: [start, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = Buffer.from(Float32Array.from({ length: end / 4 }, () => 1).buffer);
  return [...Buffer.concat([length, header, data])];
}
