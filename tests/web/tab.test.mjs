// The tab and what the browser lends it: installing, the screen, notifications, what went wrong.
// Interfaces that headless browsers lack are put into the page. A double is the engine.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBLE, visit } from "./harness/site.mjs";

const server = { roots: DOUBLE };

test("the browser's offer to install is kept until the button is pressed", async (t) => {
  const { page, state } = await visit(t, { server });
  await state("ready");
  const text = page.locator("#install-text");
  const button = page.getByRole("button", { name: "Install…" });
  await button.click();
  assert.match((await text.textContent()) ?? "", /in a menu: .*Add to Home Screen/);
  const stopped = await page.evaluate(() => {
    const offer = new Event("beforeinstallprompt", { cancelable: true });
    Object.assign(offer, {
      prompt: async () => {
        document.documentElement.dataset["asked"] = "yes";
        return { outcome: "accepted" };
      },
    });
    dispatchEvent(offer);
    return offer.defaultPrevented;
  });
  assert.equal(stopped, true, "the browser's own bar would interrupt");
  assert.equal(await page.evaluate(() => document.documentElement.dataset["asked"]), undefined);
  await button.click();
  await text.filter({ hasText: "Darkroom is installed." }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset["asked"]), "yes");
  await page.evaluate(() => dispatchEvent(new Event("appinstalled")));
  await button.waitFor({ state: "hidden" });
});

/** A wake lock that writes down what is asked of it. Runs in the page. */
function countLocks() {
  /** @type {string[]} */
  const heard = [];
  const request = async (/** @type {string} */ kind) => {
    heard.push(`on ${kind}`);
    return { release: async () => void heard.push("off") };
  };
  Object.defineProperty(Navigator.prototype, "wakeLock", { value: { request } });
  Object.assign(globalThis, { heard });
}

const heard = (/** @type {import("playwright-core").Page} */ page) =>
  page.evaluate(() => /** @type {string[]} */ (/** @type {any} */ (globalThis).heard));

test("the screen stays on while a picture is made, and no longer", async (t) => {
  const app = await visit(t, { server, before: countLocks, hash: "#steps=4" });
  const { page, state, make, type, generate, cancel, stepping } = app;
  await state("ready");
  const opened = (await heard(page)).length;
  await make({});
  assert.deepEqual((await heard(page)).slice(opened), ["on screen", "off"]);
  await type({ steps: "500" });
  await generate.click();
  await stepping();
  assert.equal((await heard(page)).at(-1), "on screen");
  // The browser takes it back from a tab that is not seen, and it is asked for again.
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.waitForFunction(() =>
    /** @type {any} */ (globalThis).heard.slice(-2).includes("on screen"),
  );
  await cancel.click();
  await state("ready");
  await page.waitForFunction(() => {
    const { heard } = /** @type {any} */ (globalThis);
    const count = (/** @type {string} */ word) =>
      heard.filter((/** @type {string} */ one) => one === word).length;
    return count("on screen") === count("off");
  });
});

test("a browser without a wake lock draws as well", async (t) => {
  const before = () => Object.defineProperty(Navigator.prototype, "wakeLock", { value: undefined });
  const { page, state, make } = await visit(t, { server, before, hash: "#steps=2" });
  await state("ready");
  await make({});
  await page.locator('[data-view="about"]').click();
  await page.locator("#about dl div").filter({ hasText: "Keeps the screen awakeno" }).waitFor();
});

/** Notifications that are written down; the tab is not seen. Runs in the page. */
function countNotifications() {
  /** @type {string[]} */
  const heard = [];
  class Notification {
    static permission = "default";
    static async requestPermission() {
      heard.push("asked");
      return (Notification.permission = "granted");
    }
    /** @param {string} _title @param {{ body: string }} options */
    constructor(_title, { body }) {
      heard.push(body);
    }
  }
  ServiceWorkerRegistration.prototype.showNotification = async (_title, options) =>
    void heard.push(options?.body ?? "");
  Object.assign(globalThis, { heard, Notification });
  const value = () => "hidden";
  Object.defineProperty(Document.prototype, "visibilityState", { get: value });
}

test("the end of a queue is notified when that was asked for, and only then", async (t) => {
  const app = await visit(t, { server, before: countNotifications, hash: "#steps=2" });
  const { page, state } = app;
  await state("ready");
  const work = async () => {
    await page.locator("#prompts").fill("one\ntwo");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.locator("#queue-status").filter({ hasText: "2 waiting" }).waitFor();
    await page.locator("#queue-run").click();
    await page
      .locator("#queue-status")
      .filter({ hasNotText: /waiting|running/ })
      .waitFor();
    await page.locator("#queue-run").filter({ hasText: "Start" }).waitFor();
  };
  await page.locator('[data-view="queue"]').click();
  await work();
  assert.deepEqual(await heard(page), [], "nothing was asked for");
  await page.getByLabel("Notify me").check();
  assert.deepEqual(await heard(page), ["asked"]);
  await work();
  await page.waitForFunction(() => /** @type {any} */ (globalThis).heard.length === 2);
  assert.equal((await heard(page))[1], "The queue has ended: 2 jobs.");
});

test("faults are kept over a reload, can be copied, and hold no prompt", async (t) => {
  const context = { permissions: ["clipboard-read", "clipboard-write"] };
  const app = await visit(t, { server, hash: "#steps=3", context });
  const { page, state, type, generate, make } = app;
  await state("ready");
  const about = () => page.locator('[data-view="about"]').click();
  await about();
  await page.getByText("No recent errors.").waitFor();
  await page.locator('[data-view="create"]').click();
  for (const prompt of ["lose the device", "say my words"]) {
    await type({ prompt });
    await generate.click();
    await state("error");
    await make({ prompt: "well" });
  }
  await page.reload();
  await state("ready");
  await about();
  const text = (await page.locator("#faults").textContent()) ?? "";
  const [latest = "", first = ""] = text.split("\n");
  assert.match(first, /^20\S+Z · device_lost · models\/demo · f32 · .*was lost \(double\)\.$/);
  assert.match(latest, / · gpu · .*A kernel failed at \[prompt\] \(double\)\.$/);
  assert.doesNotMatch(text, /my words/);
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.locator("#faults-copied").filter({ hasText: "Copied." }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  await page.getByRole("button", { name: "Clear" }).last().click();
  await page.getByText("No recent errors.").waitFor();
});
