// The generators as wasm against torch, numpy and the web UIs: the bits that the native program
// has to give as well.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

const HERE = import.meta.dirname;
const PKG = join(HERE, "../../../web/pkg");
const SEEDS = ["0", "1", "42", String(2n ** 32n - 1n), String(2n ** 63n)];

/** @typedef {{ seed: string, fnv: string }} Case */
/**
 * @type {{ normals: (Case & { length: number, bits: number[] })[],
 *   numpy: (Case & { length: number, ends: number[] })[],
 *   philox: (Case & { draw: number, ends: number[] })[] }}
 */
let golden;
/** @type {any} */
let wasm;

before(async () => {
  golden = JSON.parse(await readFile(join(HERE, "../../golden/noise.json"), "utf8"));
  wasm = await import(join(PKG, "darkroom.js"));
  wasm.initSync({ module: await readFile(join(PKG, "darkroom_bg.wasm")) });
});

/** FNV-1a of 64 bits over 32-bit words. @param {Uint32Array} words */
function fnv(words) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new Uint8Array(words.buffer, words.byteOffset, words.byteLength))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}

/**
 * The bits of a seed's first normals.
 * @param {string} rng
 * @param {string} seed
 * @param {number} length
 */
function bits(rng, seed, length) {
  const numbers = /** @type {Float32Array} */ (wasm.noise(rng, seed, length));
  assert.equal(numbers.length, length);
  return new Uint32Array(numbers.buffer, numbers.byteOffset, length);
}

/**
 * The first and the last 16 of a long array.
 * @template {Uint32Array | Float32Array} T
 * @param {T} list
 */
function ends(list) {
  const all = [...list];
  return list.length <= 32 ? all : [...all.slice(0, 16), ...all.slice(-16)];
}

/** Doubles as the bits of float32. @param {number[]} numbers */
const rounded = (numbers) => [...new Uint32Array(new Float32Array(numbers).buffer)];

/** The seeds of cases. @param {Case[]} cases */
const seeds = (cases) => [...new Set(cases.map(({ seed }) => seed))];

test("torch's normals have the native bits, in every length", () => {
  assert.deepEqual(seeds(golden.normals), SEEDS);
  const lengths = new Set(golden.normals.map(({ length }) => length));
  assert.ok([1, 3, 15, 16, 17, 31, 100, 16384].every((length) => lengths.has(length)));
  for (const { seed, length, ...theirs } of golden.normals) {
    const ours = bits("torch", seed, length);
    assert.deepEqual(ends(ours), theirs.bits, `randn(${length}) of seed ${seed}`);
    assert.equal(fnv(ours), theirs.fnv, `randn(${length}) of seed ${seed}, between the ends`);
  }
});

test("numpy's normals have the native bits", () => {
  assert.deepEqual(seeds(golden.numpy), SEEDS.slice(0, 4));
  for (const { seed, length, ...theirs } of golden.numpy) {
    const ours = bits("numpy", seed, length);
    const n = Math.min(16, length);
    const what = `standard_normal(${length}) of seed ${seed}`;
    assert.deepEqual([...ours.subarray(0, n), ...ours.subarray(length - n)], rounded(theirs.ends));
    assert.equal(fnv(ours), theirs.fnv, what);
  }
  assert.throws(() => wasm.noise("numpy", String(2n ** 63n), 4), { kind: "request" });
});

test("the web UIs' normals have the native bits", () => {
  const first = golden.philox.filter(({ draw }) => draw === 0);
  assert.deepEqual(seeds(first), SEEDS);
  for (const { seed, ...theirs } of first) {
    const ours = bits("philox", seed, 16384);
    assert.deepEqual(ends(ours), rounded(theirs.ends), `seed ${seed}`);
    assert.equal(fnv(ours), theirs.fnv, `seed ${seed}, between the ends`);
  }
});

test("a seed that is none, and a generator that is none, are refused", () => {
  for (const seed of ["", "-1", "1.5", "x", String(2n ** 64n)])
    assert.throws(() => wasm.noise("torch", seed, 4), { kind: "request", field: "seed" }, seed);
  assert.throws(() => wasm.noise("dice", "1", 4), { kind: "request", field: "rng" });
});
