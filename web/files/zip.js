// Writes a zip file without compression, because PNG files do not compress: local headers, the
// files, the directory (PKWARE's APPNOTE 6.3.3, sections 4.3.7, 4.3.12 and 4.3.16).

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 255] ?? 0);
  return ~crc >>> 0;
}

/** The limits of a zip file without the Zip64 extension. */
const BYTES_MAX = 0xffff_ffff;
const FILES_MAX = 0xffff;

/** Bit 11: names are UTF-8. */
const FLAGS = 0x0800;

/**
 * Makes a zip file. The result refers to the files' blobs; each is read once, for its checksum.
 * @param {Iterable<{ name: string, blob: Blob, made: Date }>} files
 * @returns {Promise<Blob>}
 * @throws {RangeError} if they exceed the limits of a zip file
 */
export async function zip(files) {
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {BlobPart[]} */
  const directory = [];
  let at = 0;
  let directorySize = 0;
  let count = 0;
  for (const { name, blob, made } of files) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const path = new TextEncoder().encode(name);
    // Version 2.0, flags, method 0, time, date, sum, both sizes, length of the name, nothing extra.
    const common = fields(
      ...[[20, 2], [FLAGS, 2], [0, 2], ...dosTime(made), [crc32(bytes), 4]],
      ...[
        [blob.size, 4],
        [blob.size, 4],
        [path.length, 2],
        [0, 2],
      ],
    );
    parts.push(fields([0x04034b50, 4]), common, path, blob);
    const entry = [
      ...[fields([0x02014b50, 4], [20, 2]), common],
      ...[fields([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]), path],
    ];
    directory.push(...entry);
    directorySize += 46 + path.length;
    at += 30 + path.length + blob.size;
    count += 1;
    if (at + directorySize > BYTES_MAX || count > FILES_MAX)
      throw new RangeError("these are more files than one zip file can hold");
  }
  const end = fields(
    ...[
      [0x06054b50, 4],
      [0, 2],
      [0, 2],
      [count, 2],
      [count, 2],
    ],
    ...[
      [directorySize, 4],
      [at, 4],
      [0, 2],
    ],
  );
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/**
 * Numbers, little-endian.
 * @param {number[][]} values each with its bytes
 */
function fields(...values) {
  const bytes = values.flatMap(([value = 0, length = 0]) =>
    Array.from({ length }, (_, i) => Math.floor(value / 256 ** i) & 255),
  );
  return Uint8Array.from(bytes);
}

/**
 * The clock of MS-DOS: local time, from 1980, by two seconds.
 * @param {Date} date
 */
function dosTime(date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const years = Math.max(0, date.getFullYear() - 1980);
  const day = (years << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [
    [time, 2],
    [day, 2],
  ];
}
