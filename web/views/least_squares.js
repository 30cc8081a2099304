// Solves small systems of equations: Gauss with pivots.

/** Added to the diagonal, so that colours that were never seen do no harm. */
const RIDGE = 1e-4;

/**
 * X of A · X = B, or null when there is none.
 * @param {number[][]} a square, symmetric
 * @param {number[][]} b
 * @returns {number[][] | null}
 */
export function solve(a, b) {
  const n = a.length;
  const ridged = a.map((row, r) => row.map((value, c) => (r === c ? value + RIDGE : value)));
  const rows = ridged.map((row, r) => [...row, ...(b[r] ?? [])]);
  const at = (/** @type {number} */ r, /** @type {number} */ c) => rows[r]?.[c] ?? 0;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let r = k + 1; r < n; r++) if (Math.abs(at(r, k)) > Math.abs(at(pivot, k))) pivot = r;
    if (!(Math.abs(at(pivot, k)) > 1e-12)) return null;
    [rows[k], rows[pivot]] = [rows[pivot] ?? [], rows[k] ?? []];
    rows[k] = (rows[k] ?? []).map((value) => value / at(k, k));
    for (let r = 0; r < n; r++) {
      if (r === k) continue;
      const factor = at(r, k);
      rows[r] = (rows[r] ?? []).map((value, c) => value - factor * at(k, c));
    }
  }
  return rows.map((row) => row.slice(n));
}
