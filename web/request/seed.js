// Seeds: random ones, typed ones, and those of the images of one click on Generate. They are text,
// because a JavaScript number cannot hold all 64-bit integers.

/** A random seed of 64 bits, as text. */
export function randomSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return String((BigInt(high ?? 0) << 32n) | BigInt(low ?? 0));
}

/**
 * Whether the user chose a seed. An empty field, or −1 as in other programs, means a new random
 * seed each time.
 * @param {string | undefined} typed
 * @returns {typed is string}
 */
export function isChosen(typed) {
  return typed !== undefined && !["", "-1"].includes(typed.trim());
}

/**
 * The seed of the image with this index, of one click on Generate; after the largest seed comes 0.
 * The first one is passed on as typed, because the engine checks it.
 * @param {string} seed
 * @param {number} index
 */
export function laterSeed(seed, index) {
  if (index === 0 || !/^\d+$/.test(seed)) return seed;
  return String(BigInt.asUintN(64, BigInt(seed) + BigInt(index)));
}

/**
 * The first seed and the count of each run that is needed for so many images: one run, or two if
 * the seeds pass the largest one, 2⁶⁴ − 1, and go on at 0.
 * @param {string} seed
 * @param {number} count
 * @returns {{ seed: string, count: number }[]}
 */
export function seedRuns(seed, count) {
  const left = /^\d+$/.test(seed) ? 2n ** 64n - BigInt(seed) : 0n;
  if (left <= 0n || left >= BigInt(count)) return [{ seed, count }];
  return [
    { seed, count: Number(left) },
    { seed: "0", count: count - Number(left) },
  ];
}
