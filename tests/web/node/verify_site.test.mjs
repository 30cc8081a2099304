// scripts/verify-site and `darkroom verify-site` against a local server: the release, changed or
// missing files, a host that does not answer, lists that are none.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { serve } from "../../../scripts/serve.mjs";
import { SUMS, hashOf } from "../../../scripts/sums.mjs";

const root = join(import.meta.dirname, "../../..");
const dist = join(root, "dist");
const run = promisify(execFile);
const scratch = await mkdtemp(join(tmpdir(), "darkroom-verify-"));
after(() => rm(scratch, { recursive: true }));

const target = process.env["CARGO_TARGET_DIR"] ?? join(root, "target");
/** Both ways to compare: the command with its words before the address, and what it answers with
 * when a host cannot be asked. */
const TOOLS = [
  { name: "the script", command: [join(root, "scripts/verify-site")], unasked: 2 },
  { name: "the program", command: [join(target, "debug/darkroom"), "verify-site"], unasked: 75 },
];

/**
 * @param {string[]} command
 * @returns {(...words: string[]) => Promise<{ code: number, said: string, complaint: string }>}
 */
const runner =
  ([program = "", ...first]) =>
  (...words) =>
    run(program, [...first, ...words]).then(
      ({ stdout, stderr }) => ({ code: 0, said: stdout, complaint: stderr }),
      ({ code, stdout, stderr }) => ({ code, said: stdout, complaint: stderr }),
    );

for (const { name, command, unasked } of TOOLS) {
  const verify = runner(command);

  test(`${name}: the release itself, changed bytes, no list, nobody there`, async (t) => {
    const changed = join(scratch, "changed");
    await cp(dist, changed, { recursive: true });
    const [good, bad] = [await serve({ roots: [dist] }), await serve({ roots: [changed] })];
    t.after(() => Promise.all([good.close(), bad.close()]));
    const list = join(dist, SUMS);
    const tree = hashOf(await readFile(list));

    const same = await verify(good.url);
    assert.equal(same.code, 0, same.complaint);
    const count = (await readFile(list, "utf8")).trimEnd().split("\n").length;
    // The list itself, and the folder's address.
    assert.match(same.said, new RegExp(`^${count + 2} of ${count + 2} files .* ${tree}\n$`));
    assert.equal((await verify(good.url, list)).code, 0);

    const script = join(changed, "views/about.js");
    const bytes = await readFile(script);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(script, bytes);
    await rm(join(changed, "icons/icon.svg"));
    const told = await verify(bad.url.replace(/\/$/, ""), list);
    assert.equal(told.code, 1);
    const faults = told.said.split("\n").filter((line) => line.startsWith("DIFFERS"));
    assert.match(faults[0] ?? "", /^DIFFERS icons\/icon\.svg: missing, not [0-9a-f]{64}$/);
    assert.match(faults[1] ?? "", new RegExp(`^DIFFERS views/about.js: ${hashOf(bytes)}, not `));
    assert.equal(faults.length, 2);
    // Against the list of a host, by its address; and a list that the host changed to fit.
    assert.equal((await verify(bad.url, `${good.url}${SUMS}`)).code, 1);
    await appendFile(join(changed, SUMS), `${"0".repeat(64)}  other.js\n`);
    assert.match((await verify(bad.url, list)).said, new RegExp(`^DIFFERS ${SUMS}: `, "m"));

    assert.equal((await verify()).code, 2);
    assert.equal((await verify("ftp://localhost/")).code, 2);
    const none = await verify(good.url, join(root, "README.md"));
    assert.deepEqual([none.code, /is no list of hashes/.test(none.complaint)], [2, true]);
    const away = await verify("http://localhost:1/", list);
    assert.equal(away.code, unasked);
    assert.match(away.complaint, /cannot be reached|could not be read/);
  });

  test(`${name}: what a host fails to answer is not called changed`, async (t) => {
    const site = await serve({
      roots: [dist],
      instead(request, response) {
        const busy = request.url?.endsWith("/main.js") ?? false;
        if (busy) response.writeHead(503).end("busy");
        return busy;
      },
    });
    t.after(() => site.close());
    const { code, said, complaint } = await verify(site.url);
    assert.deepEqual([code, said], [unasked, ""]);
    assert.match(complaint, /^503 .*\/main\.js$|main\.js could not be read: the host answers 503/m);
  });

  test(`${name}: what is changed is told although another file cannot be read`, async (t) => {
    const site = await serve({
      roots: [dist],
      instead(request, response) {
        const busy = request.url?.endsWith("/main.js") ?? false;
        if (busy) response.writeHead(500).end();
        else if (request.url?.endsWith("/about.js")) response.end("other bytes");
        else return false;
        return true;
      },
    });
    t.after(() => site.close());
    const { code, said, complaint } = await verify(site.url);
    assert.equal(code, 1);
    assert.match(said, /^DIFFERS views\/about\.js: [0-9a-f]{64}, not [0-9a-f]{64}\n$/);
    assert.match(complaint, /main\.js/);
  });

  test(`${name}: a list that leads out of its folder is refused`, async (t) => {
    const site = await serve({ roots: [dist] });
    t.after(() => site.close());
    for (const path of ["../x", "a/../../x", "/etc/passwd", 'a"b', ".hidden"]) {
      const list = join(scratch, "hostile");
      await writeFile(list, `${"0".repeat(64)}  ${path}\n`);
      assert.equal((await verify(site.url, list)).code, 2, path);
    }
  });
}
