// Seeds, as text since JavaScript's numbers are shorter: chance, what was typed, and the seeds of
// several pictures of one press.

/** A seed of all 64 bits, as text. */
export function randomSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return String((BigInt(high ?? 0) << 32n) | BigInt(low ?? 0));
}

/**
 * Whether a seed was chosen; nothing, and −1 as other programs write it, is another each time.
 * @param {string | undefined} typed
 * @returns {typed is string}
 */
export function isChosen(typed) {
  return typed !== undefined && !["", "-1"].includes(typed.trim());
}

/**
 * The seed of a later picture of the same press; after the last seed comes 0. The first picture's
 * goes to the engine as it was typed, to be judged there.
 * @param {string} seed
 * @param {number} index
 */
export function laterSeed(seed, index) {
  if (index === 0 || !/^\d+$/.test(seed)) return seed;
  return String(BigInt.asUintN(64, BigInt(seed) + BigInt(index)));
}

/**
 * The first seeds and counts of runs that together are so many pictures: one run, or two where the
 * seeds end in between.
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
