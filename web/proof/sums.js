// The list of hashes that a build writes (SHA256SUMS), and what is found beside it.

/** The list's name. */
export const SUMS = "SHA256SUMS";

/** @typedef {Map<string, string>} Sums hashes by path */
/** @typedef {"same" | "differs" | "unlisted" | "missing"} Verdict */
/**
 * A file: its hash in the list, and that of its bytes.
 * @typedef {{ path: string, wanted: string | null, found: string | null, verdict: Verdict }} Row
 */

/**
 * @param {string} text
 * @returns {Sums}
 * @throws {SyntaxError} for a text that is no such list
 */
export function readSums(text) {
  const lines = text.trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const [, hash, path] = /^([0-9a-f]{64}) {2}([\w./-]+)$/.exec(line) ?? [];
      if (!hash || !path) throw new SyntaxError(`${SUMS}: ${line.slice(0, 80)}`);
      return [path, hash];
    }),
  );
}

/**
 * Compares files with the list: those that are not as it says come first.
 * @param {Sums} sums
 * @param {Iterable<[string, string | null]>} found hashes by path; null for a file without bytes
 * @returns {Row[]}
 */
export function judge(sums, found) {
  const rows = [...found].map(([path, hash]) => {
    const wanted = sums.get(path) ?? null;
    /** @type {Verdict} */
    let verdict = hash === wanted ? "same" : "differs";
    if (hash === null) verdict = "missing";
    else if (wanted === null) verdict = "unlisted";
    return { path, wanted, found: hash, verdict };
  });
  const isGood = (/** @type {Row} */ { verdict }) => Number(verdict === "same");
  return rows.sort((a, b) => isGood(a) - isGood(b) || (a.path < b.path ? -1 : 1));
}

/**
 * What differs between two lists.
 * @param {Sums} before
 * @param {Sums} after
 */
export function changes(before, after) {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .map((path) => ({ path, old: before.get(path) ?? null, new: after.get(path) ?? null }))
    .filter((one) => one.old !== one.new);
}
