// A quick build is not taken for the one that is shipped.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { markQuick, requireShipped } from "../../../scripts/shipped.mjs";

test("a quick build is refused by what measures, a shipped one is not", async (t) => {
  const dist = await mkdtemp(join(tmpdir(), "darkroom-shipped-"));
  t.after(() => rm(dist, { recursive: true, force: true }));
  await requireShipped(dist);
  await markQuick(dist);
  await assert.rejects(requireShipped(dist), /quick build. Run scripts\/build first/);
});
