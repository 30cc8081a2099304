// What the page has stored, read behind its back.

/**
 * All records of a store of one of the page's databases.
 * @param {import("playwright-core").Page} page
 * @param {string} store
 * @param {string} [database]
 * @returns {Promise<any[]>}
 */
export function storedIn(page, store, database = "darkroom-page") {
  return page.evaluate(
    ([database, store]) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(database);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction(store).objectStore(store).getAll();
          reading.onsuccess = () => {
            opening.result.close();
            resolve(reading.result);
          };
        };
      }),
    /** @type {const} */ ([database, store]),
  );
}

/**
 * The bytes of the files of the gallery, the oldest first.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<Buffer[]>}
 */
export async function galleryFiles(page) {
  const files = await page.evaluate(async () => {
    const opening = indexedDB.open("darkroom-page");
    await new Promise((done) => (opening.onsuccess = done));
    const reading = opening.result.transaction("files").objectStore("files").getAll();
    await new Promise((done) => (reading.onsuccess = done));
    opening.result.close();
    const bytes = (/** @type {Blob | ArrayBuffer} */ file) => new Blob([file]).arrayBuffer();
    const all = await Promise.all(reading.result.map(bytes));
    return all.map((one) => Array.from(new Uint8Array(one)));
  });
  return files.map((one) => Buffer.from(one));
}

/**
 * The file that a click saves.
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} button
 */
export async function savedBy(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), path: await download.path() };
}
