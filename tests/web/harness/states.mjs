// The states that a page goes through, in their order. A test waits for the next one that it has
// not seen yet: a state of before does not count, and one that has passed is not missed.

import assert from "node:assert/strict";

/** How long a page may show no change at all while a test waits for it. */
export const QUIET_MS = 60_000;

/** @typedef {"loading" | "ready" | "generating" | "error"} State */

/**
 * What a look at the page finds: the next state that was wanted, or what would change if the page
 * were at work.
 * @typedef {{ found: State, at: number, document: number } | { signs: string }} Look
 */

/** Writes down every state of the page. Runs in the page, before its own scripts. */
export function recordStates() {
  /** @type {string[]} */
  const states = [];
  /** What changes while the page is at work. */
  const signs = () => {
    const text = (/** @type {string} */ id) => document.getElementById(id)?.textContent ?? "";
    const bars = [...document.querySelectorAll("progress")].map(({ value }) => value);
    const told = [...document.querySelectorAll("[role=status]")].map((one) => one.textContent);
    const all = [states.length, text("progress-text"), document.title, ...bars, ...told];
    return `${performance.timeOrigin}|${all.join("|")}`;
  };
  const record = { states, document: performance.timeOrigin, signs };
  Object.assign(globalThis, { darkroomStates: record });
  const write = (/** @type {MutationRecord[]} */ changes) => {
    const own = changes.filter(({ target }) => target === document.documentElement);
    // Several changes may come as one call: the state after each is the one before the next.
    for (const [i] of own.entries()) {
      const after = own[i + 1];
      const state = after ? after.oldValue : document.documentElement.dataset["state"];
      if (state) states.push(state);
    }
  };
  new MutationObserver(write).observe(document, {
    subtree: true,
    attributeFilter: ["data-state"],
    attributeOldValue: true,
  });
}

/**
 * Looks for a state after those that were seen; nothing as long as nothing changes. Runs in the
 * page.
 * @param {{ wanted: string[], from: number, document: number, signs: string, fresh: boolean }} how
 * @returns {Look | null}
 */
function look({ wanted, from, document: seen, signs, fresh }) {
  const record = /** @type {any} */ (globalThis).darkroomStates;
  if (!record) return null;
  /** @type {{ states: State[], document: number, signs: () => string }} */
  const { states, document: now } = record;
  const start = now === seen ? from : 0;
  const at = states.findIndex((state, i) => i >= start && wanted.includes(state));
  const found = states[at];
  if (found) return { found, at: at + 1, document: now };
  const last = states.at(-1);
  // Nothing has happened since the test looked last, and it is in this state already.
  if (!fresh && start === states.length && last && last === wanted[0])
    return { found: last, at: start, document: now };
  const sign = record.signs();
  return sign === signs ? null : { signs: sign };
}

/**
 * @param {import("playwright-core").Page} page that records its states
 * @param {number} patience milliseconds, as long as something changes
 * @param {() => Promise<string>} complaint what the page says is wrong
 */
export function followStates(page, patience, complaint) {
  let from = 0;
  let document = 0;

  /**
   * Waits for one of these states, or an error.
   * @param {string[]} wanted
   * @param {boolean} fresh whether the present state does not count
   */
  async function next(wanted, fresh) {
    const end = Date.now() + patience;
    let signs = "";
    for (;;) {
      const how = { wanted, from, document, signs, fresh };
      const waiting = page.waitForFunction(look, how, { timeout: QUIET_MS });
      const handle = await waiting.catch((error) => {
        assert.fail(`the page has not changed for ${QUIET_MS / 1000} s (${signs}): ${error}`);
      });
      const looked = /** @type {Look} */ (await handle.jsonValue());
      if ("found" in looked) {
        from = looked.at;
        document = looked.document;
        return looked.found;
      }
      signs = looked.signs;
      if (Date.now() > end) assert.fail(`${wanted.join(" or ")} has not come: ${signs}`);
    }
  }

  return {
    /**
     * Waits for a state of the page; an error that was not waited for ends the test with its
     * sentence.
     * @param {State} name
     */
    async state(name) {
      const reached = await next(name === "error" ? [name] : [name, "error"], false);
      if (reached !== name) assert.fail(`the page says: ${await complaint()}`);
    },

    /** Whatever has happened until now is seen. */
    async seen() {
      [from, document] = await page.evaluate(() => {
        const { states, document } = /** @type {any} */ (globalThis).darkroomStates;
        return [states.length, document];
      });
    },

    /**
     * Waits for something in the page, as long as the page goes on.
     * @param {import("playwright-core").Locator} locator
     */
    async patiently(locator) {
      const end = Date.now() + patience;
      const signsNow = () =>
        page.evaluate(() => String(/** @type {any} */ (globalThis).darkroomStates.signs()));
      for (let signs = await signsNow(); ;) {
        const late = await locator.waitFor().catch((error) => error);
        if (!late) return;
        const now = await signsNow();
        if (now === signs || Date.now() > end) throw late;
        signs = now;
      }
    },

    /** Waits until the job that begins has ended: how. */
    ended: () => next(["ready", "error"], true),
  };
}
