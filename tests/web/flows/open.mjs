// The flows that matter, for browsers of other engines than Chromium, where what is particular to a
// part of the page is tested. Each takes a function that opens the page in its browser.

import { PICTURE_MS, visit } from "../harness/site.mjs";

/**
 * @typedef {Awaited<ReturnType<typeof visit>>} App
 * @typedef {import("../harness/site.mjs").Visit} Visit
 * @typedef {import("node:test").TestContext} Test
 * @typedef {(t: Test, visited: Visit) => Promise<App>} Open
 */

/**
 * Opens the page in one browser.
 * @param {Visit} own of that browser; what it always tells of is expected beside what a flow does
 * @returns {Open}
 */
export function opener({ expected: always, ...own }) {
  return (t, { expected, ...visited }) => {
    const both = [always, expected].filter((one) => one !== undefined);
    const all = both.length
      ? { expected: new RegExp(both.map(({ source }) => source).join("|"), "i") }
      : {};
    return visit(t, { patience: PICTURE_MS, ...own, ...visited, ...all });
  };
}
