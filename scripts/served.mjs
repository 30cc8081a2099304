// The served form of a model's tables: a row of zeros, such as the embedding of a token that was
// never trained, costs nothing. A table `NAME` [n, c] that is mostly zeros becomes its other m rows
// [m, c] and, as `NAME.rows` U32 [m], their numbers; everything else stays as it is, byte for byte.

import { readFile, writeFile } from "node:fs/promises";

const ALIGNMENT = 8;

/**
 * Rewrites a safetensors file in its served form.
 * @param {string} path
 */
export async function dropZeroRows(path) {
  const file = await readFile(path);
  const dataAt = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, dataAt).toString());
  /** @type {Record<string, object>} */
  const out = header.__metadata__ ? { __metadata__: header.__metadata__ } : {};
  /** @type {Buffer[]} */
  const pieces = [];
  let end = 0;
  /** @type {(name: string, dtype: string, shape: number[], bytes: Buffer) => void} */
  const add = (name, dtype, shape, bytes) => {
    out[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    pieces.push(bytes);
    end += bytes.length;
  };
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  names.sort((a, b) => header[a].data_offsets[0] - header[b].data_offsets[0]);
  for (const name of names) {
    const { dtype, shape, data_offsets } = header[name];
    const bytes = file.subarray(dataAt + data_offsets[0], dataAt + data_offsets[1]);
    const kept = shape.length === 2 ? rowsKept(bytes, shape[0]) : null;
    if (!kept) {
      add(name, dtype, shape, bytes);
      continue;
    }
    const width = bytes.length / shape[0];
    const rows = kept.map((row) => bytes.subarray(row * width, (row + 1) * width));
    add(name, dtype, [kept.length, shape[1]], Buffer.concat(rows));
    add(`${name}.rows`, "U32", [kept.length], Buffer.from(Uint32Array.from(kept).buffer));
  }
  let text = JSON.stringify(out);
  text += " ".repeat((ALIGNMENT - (Buffer.byteLength(text) % ALIGNMENT)) % ALIGNMENT);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  await writeFile(path, Buffer.concat([length, Buffer.from(text), ...pieces]));
}

/**
 * The rows that are not zero, when those are less than half.
 * @param {Buffer} bytes
 * @param {number} count
 */
function rowsKept(bytes, count) {
  const width = bytes.length / count;
  const zeros = Buffer.alloc(width);
  const kept = [];
  for (let row = 0; row < count; row++) {
    if (zeros.compare(bytes, row * width, (row + 1) * width) !== 0) kept.push(row);
  }
  return kept.length > 0 && kept.length < count / 2 ? kept : null;
}
