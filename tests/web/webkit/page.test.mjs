// The page in WebKitGTK: the engine of Safari under the same page, without WebGPU, so that the CPU
// computes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEMO, FIELDS, drawAndCancel, sameAsNative } from "../flows/drawing.mjs";
import { importRecords, workByKeys } from "../flows/form.mjs";
import { drawOffline, keepGallery, storeAndReload } from "../flows/storing.mjs";
import { testModels } from "../harness/native.mjs";
import { open } from "./open.mjs";

const models = await testModels();

test("a small model is opened, draws and is cancelled", (t) =>
  drawAndCancel(t, open, { device: "cpu", models }));

test("the built-in model draws by the CPU, and the page says why", async (t) => {
  const app = await open(t, { hash: "#device=auto", device: "cpu" });
  await app.state("ready");
  const notices = (await app.page.locator("#notices").textContent()) ?? "";
  assert.match(notices, /./);
  t.diagnostic(notices);
  await sameAsNative(t, DEMO, await app.make(FIELDS));
});

test("a model is stored, and draws the same after a reload without a server", (t) =>
  storeAndReload(t, open, models));
test("without a network the built-in model draws, and its file says what it is", (t) =>
  drawOffline(t, open));
test("images of other programs fill in the form", (t) => importRecords(t, open));
test("the gallery outlasts a reload, byte by byte", (t) => keepGallery(t, open));
test("the page is worked by keys alone", (t) => workByKeys(t, open));
