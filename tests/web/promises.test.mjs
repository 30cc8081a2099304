// What the page promises of downloads, storage and local files, each tried as a user meets it.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { safetensors } from "./harness/files.mjs";
import { restate } from "./harness/release.mjs";
import { DOUBLE, SITE, visit } from "./harness/site.mjs";
import { siteWith } from "./harness/storage.mjs";
import { Weights } from "./harness/weights.mjs";
import { serve } from "../../scripts/serve.mjs";

const folder = await mkdtemp(join(tmpdir(), "darkroom-promises-"));
after(() => rm(folder, { recursive: true }));

const CHUNK = 4096;

/**
 * The page, with a model on its library whose files another site has.
 * @param {import("node:test").TestContext} t
 * @param {import("./harness/site.mjs").Visit} [more]
 * @param {object} [manifest] what its manifest says otherwise
 */
async function withModel(t, more = {}, manifest = {}) {
  const weights = new Weights({ "config.json": 300, "unet/model.safetensors": 90_000 });
  weights.cors = true;
  const other = await serve({ roots: [], instead: weights.answer });
  t.after(() => other.close());
  const built = await siteWith([new URL(other.url).origin]);
  const site = join(await mkdtemp(join(folder, "site-")), "page");
  await cp(built, site, { recursive: true });
  const written = weights.manifest(CHUNK, "chunks", {
    base: `${other.url}weights/`,
    hosts: [new URL(other.url).origin],
    ...manifest,
  });
  await writeFile(join(site, "models/stable-diffusion-v1-4/manifest.json"), written);
  await restate(site);
  const visited = await visit(t, {
    device: "cpu",
    server: { roots: [site] },
    expected: /asked elsewhere|Failed to load|ERR_|fetch/,
    ...more,
  });
  await visited.state("ready");
  await visited.page.getByText("Models in this browser").click();
  return { ...visited, weights, other };
}

test("the Privacy view lists what the store fetches elsewhere, also what fails", async (t) => {
  const { page, weights, other } = await withModel(t);
  weights.fail("gone", { times: 2 });
  await page.getByRole("button", { name: "Download: A test" }).click();
  await page.getByText("A test is stored and verified").waitFor();
  await page.locator('[data-view="privacy"]').click();
  await page.getByText("All requests").click();
  const rows = page.locator("#requests tr").filter({ hasText: new URL(other.url).host });
  const ofStore = rows.filter({ hasText: "model store" });
  // The worker tells of them a moment after they have ended.
  await ofStore.nth(weights.asked.length - 1).waitFor();
  const told = await ofStore.count();
  assert.ok(told >= weights.asked.length, `${told} of ${weights.asked.length}`);
  assert.equal(await page.locator("#requests-foreign").textContent(), String(told));
  await page.locator("#requests tr").filter({ hasText: "service worker" }).first().waitFor();
});

test("a download during a picture is counted under While generating", async (t) => {
  const { page, state, weights, type, generate } = await withModel(t);
  weights.delay = 500;
  await page.getByRole("button", { name: "Download: A test" }).click();
  await page.locator(".download-text").filter({ hasText: "MB/s" }).waitFor();
  const before = weights.asked.length;
  await type({ steps: "12" });
  await generate.click();
  await state("generating");
  await state("ready");
  const after = weights.asked.length;
  weights.delay = 0;
  assert.ok(after > before, `${before} requests, then ${after}`);
  await page.getByText("A test is stored and verified").waitFor();
  await page.locator('[data-view="privacy"]').click();
  const counted = Number(await page.locator("#requests-generating").textContent());
  assert.ok(counted > 0, `${counted} counted of ${after - before}`);
});

test("from the offer the download is a press and the licence away", async (t) => {
  const path = "models/stable-diffusion-v1-4/manifest.json";
  const { licence } = JSON.parse(await readFile(join(SITE, path), "utf8"));
  const { page, weights } = await withModel(t, {}, { id: "stable-diffusion-v1-4", licence });
  // Closed again, as it is for those who come for the first time.
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Download (2.13 GB)…" }).click();
  const accept = page.getByRole("dialog", { name: licence.name }).getByRole("button").first();
  await accept.waitFor();
  assert.equal(weights.asked.length, 0);
  await accept.click();
  await page.getByText("A test is stored and verified").waitFor();
  // Where it is here, the way leads to it, and nothing is asked for again.
  const asked = weights.asked.length;
  await page.getByRole("button", { name: "Download (2.13 GB)…" }).click();
  await page.getByRole("button", { name: "Use: A test" }).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(weights.asked.length, asked);
});

test("a host that does not answer is named at once", async (t) => {
  const { page, weights, other } = await withModel(t);
  weights.hold = new Promise(() => {});
  await page.getByRole("button", { name: "Download: A test" }).click();
  const asking = `Asking ${new URL(other.url).host}`;
  const line = page.locator(".download-text").filter({ hasText: asking });
  await line.waitFor({ timeout: 15_000 });
});

test("a host that cannot be reached is told in one line with its name, and listed", async (t) => {
  const { page, other } = await withModel(t);
  await other.close();
  await page.getByRole("button", { name: "Download: A test" }).click();
  const { host } = new URL(other.url);
  const line = page.locator(".download-trouble");
  // Several files are asked for at once, and the first tries follow one another quickly.
  await line.filter({ hasText: `${host} cannot be reached. Trying again (` }).waitFor();
  await line.filter({ hasText: "(7 of 7)." }).waitFor();
  await page.locator(".download").getByRole("button", { name: "Stop" }).click();
  await page.getByText("Paused. What has been stored is kept.").waitFor();
  await page.locator('[data-view="privacy"]').click();
  await page.getByText("All requests").click();
  const rows = page.locator("#requests tr").filter({ hasText: host });
  await rows.filter({ hasText: "failed" }).first().waitFor();
});

test("a download is a bar in its row, a mark in every view, and in the tab's title", async (t) => {
  const { page, weights } = await withModel(t);
  // It goes on as long as it is looked at, on a slow machine too.
  weights.delay = 1000;
  await page.getByRole("button", { name: "Download: A test" }).click();
  await page.getByRole("progressbar", { name: "Download: A test" }).waitFor();
  await page.locator('[data-view="gallery"]').click();
  const mark = page.locator("#download-mark");
  await mark.filter({ hasText: /Download: [1-9]\d* %/ }).waitFor();
  assert.match(await page.title(), /↓ \d+ %/);
  const said = await page.locator(".download [role=status]").textContent();
  assert.match(said ?? "", /^Download: \d?0 %$/);
  assert.doesNotMatch((await page.locator(".download-text").textContent()) ?? "", /left/);
  weights.delay = 0;
  await mark.click();
  await page.getByText("A test is stored and verified").waitFor();
  assert.equal(await mark.isVisible(), false);
  assert.doesNotMatch(await page.title(), /↓/);
});

test("the offline lock is named where it acts, and in the header", async (t) => {
  const { page, weights } = await withModel(t);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.locator('[data-view="privacy"]').click();
  await page.getByRole("switch", { name: /Offline lock/ }).check();
  await page.getByRole("button", { name: "Offline lock on" }).waitFor();
  await page.locator('[data-view="create"]').click();
  await page.getByRole("button", { name: "Download: A test" }).click();
  await page.getByText("The offline lock is on, so nothing is fetched").waitFor();
  assert.equal(weights.asked.length, 0);
  await page.getByRole("button", { name: "Privacy: switch it off" }).click();
  await page.locator("#view-privacy").waitFor();
});

test("offline the library still lists what can be had", async (t) => {
  const { page, state, site } = await withModel(t);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await site.close();
  await page.reload();
  await state("ready");
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Download: A test" }).waitFor();
});

test("“Delete all” names the models, and deletes them with all else", async (t) => {
  const { page, state } = await withModel(t);
  await page.getByRole("button", { name: "Download: A test" }).click();
  await page.getByText("A test is stored and verified").waitFor();
  await page.locator('[data-view="privacy"]').click();
  /** @type {string[]} */
  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    void dialog.accept();
  });
  await page.getByRole("button", { name: "Delete everything that this page stores" }).click();
  await page
    .getByText(/^Deleted: settings.*models, accepted licences.*service worker\.(?!.*Not)/)
    .first()
    .waitFor();
  assert.match(asked[0] ?? "", /A test/);
  await state("ready");
  await page.getByText("Models in this browser").click();
  await page.getByRole("button", { name: "Download: A test" }).waitFor();
});

const double = { roots: [...DOUBLE] };

test("where settings cannot be deleted the rest is, and that is said", async (t) => {
  const { page, state } = await visit(t, {
    server: double,
    before: () => {
      Object.defineProperty(globalThis, "localStorage", {
        get() {
          throw new DOMException("denied", "SecurityError");
        },
      });
    },
  });
  await state("ready");
  await page.locator('[data-view="privacy"]').click();
  page.on("dialog", (dialog) => void dialog.accept());
  await page.getByRole("button", { name: "Delete everything that this page stores" }).click();
  await page
    .getByText(/Deleted: gallery.*Not deleted: settings/)
    .first()
    .waitFor();
});

/** Ways in which browsers keep nothing. @type {[string, () => void][]} */
const BLOCKED = [
  [
    "it throws",
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
    },
  ],
  ["it is not there", () => Object.defineProperty(globalThis, "indexedDB", { value: undefined })],
];

for (const [name, before] of BLOCKED)
  test(`a blocked database is one calm sentence: ${name}`, async (t) => {
    const { page, state, make } = await visit(t, { server: double, before, hash: "#steps=2" });
    await state("ready");
    const note = page.locator("#note").filter({ hasText: "does not let the page store anything" });
    await note.waitFor();
    await make({ prompt: "a red heart", seed: "1", count: "2" });
    // What cannot be kept is said where the user is, in the same sentence.
    await page.locator("#note-close").click();
    await page.locator('[data-view="queue"]').click();
    await page.locator("#prompts").fill("one");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await note.waitFor();
    assert.ok(await page.locator("#view-queue").isVisible());
    assert.equal(await page.locator("#fault").isVisible(), false);
    assert.equal(await page.getByText(/denied|undefined|could not keep/).count(), 0);
  });

test("full storage is told once, with numbers", async (t) => {
  const { page, state, make } = await visit(t, {
    server: double,
    hash: "#steps=2",
    before: () => {
      navigator.storage.estimate = async () => ({ usage: 2e9, quota: 2.1e9 });
      const { add } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.add = function (...args) {
        if (this.name === "pictures") throw new DOMException("full", "QuotaExceededError");
        return add.apply(this, args);
      };
    },
  });
  await state("ready");
  await make({ prompt: "a red heart", seed: "1", count: "3" });
  const note = page.getByText(/^Storage is full \(2\.00 GB of 2\.10 GB\)/);
  await note.waitFor();
  assert.equal(await note.count(), 1);
  assert.equal(await page.getByText(/could not keep/).count(), 0);
});

test("a model's file dropped anywhere goes to the models, and does one thing", async (t) => {
  const { page, state } = await visit(t, { device: "cpu", expected: /./ });
  await state("ready");
  for (const place of ["#prompt", "#library"]) {
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(["not a model"], "mine.safetensors"));
      return data;
    });
    await page.dispatchEvent(place, "drop", { dataTransfer: transfer });
    await page
      .locator("#library [role=status]")
      .filter({ hasText: /mine\.safetensors/ })
      .waitFor();
    assert.equal(await page.locator("#fault").isVisible(), false, place);
    assert.equal(await page.getByText("not a kind of file for this page").count(), 0);
  }
});

/**
 * Drops files and folders of the disk, as a user's mouse does.
 * @param {import("playwright-core").Page} page
 * @param {string[]} files
 * @param {string} place a selector
 */
async function dragged(page, files, place) {
  const target = page.locator(place);
  await target.evaluate((one) => one.scrollIntoView({ block: "center", behavior: "instant" }));
  const box = await target.boundingBox();
  assert.ok(box, place);
  const [x, y] = [Math.round(box.x + box.width / 2), Math.round(box.y + 20)];
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of /** @type {const} */ (["dragEnter", "dragOver", "drop"]))
    await session.send("Input.dispatchDragEvent", { type, x, y, data });
  await session.detach();
}

test("a dropped folder, and a file after a wrong one, are told once, on the models", async (t) => {
  const { page, state } = await visit(t, { device: "cpu", expected: /./ });
  await state("ready");
  const model = join(folder, "mine");
  await cp(join(SITE, "models/demo"), model, { recursive: true });
  const wrong = join(folder, "notes.docx");
  await writeFile(wrong, "no list");
  await dragged(page, [wrong], "#prompt");
  const fault = page.locator("#fault");
  await fault.filter({ hasText: "notes.docx" }).waitFor();
  const status = page.locator("#library [role=status]");
  await dragged(page, [model], "#prompt");
  await status.filter({ hasText: "is imported" }).waitFor();
  assert.equal(await fault.isVisible(), false);
  const canny = join(folder, "canny.safetensors");
  await writeFile(canny, Buffer.from(safetensors({ "control_model.a.weight": [4, 8] })));
  await dragged(page, [canny], "#library > details > summary");
  await status.filter({ hasText: "canny.safetensors is a ControlNet" }).waitFor();
  assert.equal(await fault.isVisible(), false);
  assert.equal(await page.getByRole("button", { name: "Use: canny" }).count(), 0);
});

test("of a copy of Hugging Face's cache the revision that is main is imported", async (t) => {
  const { page, state } = await visit(t, { device: "cpu", expected: /./ });
  await state("ready");
  const cache = join(folder, "models--c--d");
  for (const part of ["blobs", "refs", "snapshots/zzz"])
    await mkdir(join(cache, part), { recursive: true });
  await writeFile(join(cache, "refs/main"), "abc123");
  await writeFile(join(cache, "blobs/0123"), "{}");
  await writeFile(join(cache, "snapshots/zzz/model_index.json"), "{}");
  await cp(join(SITE, "models/demo"), join(cache, "snapshots/abc123"), { recursive: true });
  // Which of them it is, its folder's name alone says.
  await rm(join(cache, "snapshots/abc123/manifest.json"));
  await dragged(page, [cache], "#prompt");
  await page.locator("#library [role=status]").filter({ hasText: "c--d is imported" }).waitFor();
  await page.getByRole("button", { name: /^Use: models--c--d/ }).click();
  await page.waitForFunction(() => location.hash.includes("stored"));
  await state("loading");
  await state("ready");
});

test("a folder made of links, as Hugging Face's cache is, is told as that", async (t) => {
  const { page, state } = await visit(t, { device: "cpu", expected: /./ });
  await state("ready");
  const cache = join(folder, "models--a--b");
  const [blobs, snapshot] = [join(cache, "blobs"), join(cache, "snapshots/r1")];
  for (const one of [blobs, snapshot]) await mkdir(one, { recursive: true });
  await writeFile(join(blobs, "0".repeat(40)), "{}");
  await symlink(join(blobs, "0".repeat(40)), join(snapshot, "model_index.json"));
  for (const one of [cache, snapshot]) {
    await dragged(page, [one], "#prompt");
    const status = page.locator("#library [role=status]");
    await status.filter({ hasText: "browsers follow none" }).waitFor();
    await page.evaluate(() => {
      for (const one of document.querySelectorAll("#library [role=status]")) one.textContent = "";
    });
  }
});
