// Whether a built site is as it is shipped. A quick build's wasm is not optimised: what is measured
// of it says nothing of the page that people use.

import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a quick build leaves in its folder. */
const MARK = ".quick-build";

/** Marks a built site as a quick build. @param {string} dist */
export async function markQuick(dist) {
  await writeFile(join(dist, MARK), "Built by scripts/build --quick: not to be measured.\n");
}

/** Throws for a quick build. @param {string} dist */
export async function requireShipped(dist) {
  const isQuick = await access(join(dist, MARK)).then(
    () => true,
    () => false,
  );
  if (isQuick) throw new Error(`${dist} is a quick build. Run scripts/build first.`);
}
