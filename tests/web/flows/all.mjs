// The flows that every browser passes on the CPU.

import { test } from "node:test";
import { importRecords, workByKeys } from "./form.mjs";
import { drawOffline, keepGallery, storeAndReload } from "./storing.mjs";

/**
 * Declares their tests.
 * @param {import("./open.mjs").Open} open
 * @param {string} models folder with the small models
 */
export function testFlows(open, models) {
  test("a model is stored, and draws the same after a reload without a server", (t) =>
    storeAndReload(t, open, models));
  test("without a network the built-in model draws, and its file says what it is", (t) =>
    drawOffline(t, open));
  test("images of other programs fill in the form", (t) => importRecords(t, open));
  test("the gallery outlasts a reload, byte by byte", (t) => keepGallery(t, open));
  test("the page is worked by keys alone", (t) => workByKeys(t, open));
}
