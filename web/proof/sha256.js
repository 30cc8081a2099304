// SHA-256 of bytes, by the browser. An http address has no `crypto.subtle`; there it is computed
// here, as FIPS 180-4 writes it.

/** @param {ArrayBuffer} bytes @returns {Promise<string>} 64 hexadecimal digits */
export async function hashOf(bytes) {
  const { subtle } = globalThis.crypto ?? {};
  const digest = subtle
    ? new Uint8Array(await subtle.digest("SHA-256", bytes))
    : digestOf(new Uint8Array(bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The first 32 bits of the fractional part of a number. @param {number} value */
const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) >>> 0;

/** The first 64 primes. */
const PRIMES = Array.from({ length: 310 }, (_, n) => n + 2)
  .filter((n) => !Array.from({ length: n - 2 }, (_, i) => i + 2).some((i) => n % i === 0))
  .slice(0, 64);
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/** @param {number} word @param {number} by */
const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** @param {Uint8Array} bytes @returns {Uint8Array} 32 bytes */
export function digestOf(bytes) {
  const whole = bytes.length - (bytes.length % 64);
  const state = START.slice();
  const words = new Uint32Array(64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole; at += 64) mix(state, words, view, at);
  // The rest, a one, zeros, and the length in bits as 64 bits.
  const rest = new Uint8Array(bytes.length % 64 < 56 ? 64 : 128);
  rest.set(bytes.subarray(whole));
  rest[bytes.length % 64] = 0x80;
  const end = new DataView(rest.buffer);
  end.setUint32(rest.length - 8, Math.floor(bytes.length / 2 ** 29));
  end.setUint32(rest.length - 4, (bytes.length % 2 ** 29) * 8);
  for (let at = 0; at < rest.length; at += 64) mix(state, words, end, at);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(i * 4, word));
  return new Uint8Array(digest.buffer);
}

/**
 * One block of 64 bytes.
 * @param {Uint32Array} state is changed
 * @param {Uint32Array} words room for 64
 * @param {DataView} view
 * @param {number} at
 */
function mix(state, words, view, at) {
  const word = (/** @type {number} */ i) => /** @type {number} */ (words[i]);
  for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const [early, late] = [word(i - 15), word(i - 2)];
    const low = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const high = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words[i] = word(i - 16) + low + word(i - 7) + high;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    /** @type {number} */
    const high = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const choice = (e & f) ^ (~e & g);
    /** @type {number} */
    const first = (h + high + choice + (ROUND[i] ?? 0) + word(i)) | 0;
    /** @type {number} */
    const low = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    /** @type {number} */
    const majority = (a & b) ^ (a & c) ^ (b & c);
    /** @type {number} */
    const second = (low + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] = (state[i] ?? 0) + value));
}
