// Whose messages embed.html answers, and which hosts a site can be built for.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isAllowed } from "../../../web/embed/allowed.js";

test("an origin is allowed whole, or below a name", () => {
  const hosts = ["https://shop.example", "https://*.example.org"];
  for (const [origin, good] of /** @type {const} */ ([
    ["https://shop.example", true],
    ["http://shop.example", false],
    ["https://shop.example:8443", false],
    ["https://shop.example.evil.example", false],
    ["https://my.shop.example", false],
    ["https://a.example.org", true],
    ["https://a.b.example.org", true],
    ["https://example.org", false],
    ["https://evilexample.org", false],
    ["https://a.example.org.evil.example", false],
    ["http://a.example.org", false],
    ["null", false],
    ["", false],
  ])) {
    assert.equal(isAllowed(origin, hosts), good, origin);
    assert.equal(isAllowed(origin, []), false, origin);
  }
});

test("a site is built for https origins only", async (t) => {
  const out = await mkdtemp(join(tmpdir(), "darkroom-embed-"));
  t.after(() => rm(out, { recursive: true }));
  const program = join(import.meta.dirname, "../../../scripts/site.mjs");
  for (const host of ["http://shop.example", "*", "null", "https://*.org", "shop.example"]) {
    const words = [program, "--out", join(out, "site"), "--embed-host", host];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    assert.equal(status, 1, host);
    assert.match(stderr, /--embed-host wants an https address|would allow everyone/, host);
  }
});
