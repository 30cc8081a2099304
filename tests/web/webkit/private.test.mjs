// A private window of WebKit, as of Safari: its database is in memory and takes no Blob. What is
// made there is kept as long as the window is open.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keepGallery, storeAndReload } from "../flows/storing.mjs";
import { testModels } from "../harness/native.mjs";
import { DOUBLE } from "../harness/site.mjs";
import { openPrivate } from "./open.mjs";

const models = await testModels();

test("its database takes no Blob", async (t) => {
  const { page, state } = await openPrivate(t, { server: { roots: DOUBLE } });
  await state("ready");
  const fault = await page.evaluate(async () => {
    const opening = indexedDB.open("of-the-test");
    opening.onupgradeneeded = () => opening.result.createObjectStore("blobs");
    await new Promise((done) => (opening.onsuccess = done));
    const writing = opening.result.transaction("blobs", "readwrite");
    writing.objectStore("blobs").put(new Blob(["text"]), 1);
    return new Promise((done) => {
      writing.oncomplete = () => done(null);
      writing.onabort = () => done(writing.error?.name);
    });
  });
  assert.equal(fault, "UnknownError");
});

test("the gallery outlasts a reload, byte by byte", (t) => keepGallery(t, openPrivate));

test("a start image is stored with its type", async (t) => {
  const { page, state } = await openPrivate(t, { server: { roots: DOUBLE } });
  await state("ready");
  const found = await page.evaluate(async () => {
    // @ts-ignore: a module of the page
    const { keepStartImage, startImageFile } = await import("./storage/start_images.js");
    const key = await keepStartImage(new Blob(["a picture"], { type: "image/webp" }));
    const file = await startImageFile(key);
    return { key, type: file.type, text: await file.text() };
  });
  assert.deepEqual(found, { key: "1", type: "image/webp", text: "a picture" });
});

test("a model is stored, and draws the same after a reload without a server", (t) =>
  storeAndReload(t, openPrivate, models));
