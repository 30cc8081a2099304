// The gallery's images: a record for each, and its file in another store, so that a list of
// thousands of records is read without the files.

import { enlargements } from "./known.js";
import { askToKeep, changed, storeFile, transact } from "./database.js";

/**
 * @typedef {object} SavedImage
 * @property {number} id
 * @property {number} made milliseconds since 1970
 * @property {import("../engine/protocol.js").Request} request
 * @property {number} width
 * @property {number} height
 * @property {number} seconds
 * @property {number} bytes of its file
 * @property {boolean} favourite
 * @property {string} model the address of the model
 * @property {import("../engine/protocol.js").Provenance | null} [provenance] name, revision, hash;
 * missing in records of an earlier version of the page
 * @property {import("../engine/protocol.js").Part[]} [parts] those that were not the model's own
 * @property {string} engine model, precision and device, as a line of text
 * @property {string} [initial] the number of its start image (start_images.js)
 * @property {string} [mask] the number of the mask of that, which is stored there as well
 * @property {import("../files/control_choices.js").ControlChoice[]} [controls] its ControlNets and
 * T2I-Adapters, whose pictures are stored there too
 * @property {Enlargement | Enlargement[]} [enlarged] if upscalers have enlarged it, in their
 * order; one that stands alone is of an earlier version of the page
 * @property {string} [before] of an enlarged one: the number of the image that was enlarged
 * @property {import("./jobs.js").Origin} [origin] where its request comes from, if not the form
 */

/**
 * By which upscaler an image was enlarged, and how many times as wide it is.
 * @typedef {{ name: string, sha256: string, factor: number }} Enlargement
 */

/** Whether the browser was asked to keep images: with the first one that this page makes. */
let asked = false;

/**
 * Stores an image.
 * @param {Omit<SavedImage, "id" | "bytes" | "favourite" | "made">} about
 * @param {Blob} png
 */
export async function keepImage(about, png) {
  const saved = { ...about, bytes: png.size, favourite: false, made: Date.now() };
  let id = 0;
  await storeFile(png, (file) =>
    transact(["pictures", "files"], "readwrite", (pictures, files) => {
      const adding = pictures?.add(saved);
      if (adding)
        adding.onsuccess = () => {
          id = Number(adding.result);
          files?.add(file, id);
        };
    }),
  );
  changed("pictures");
  if (!asked) askToKeep();
  asked = true;
  return id;
}

/**
 * All records, the latest first.
 * @returns {Promise<SavedImage[]>}
 */
export async function listImages() {
  /** @type {SavedImage[]} */
  const images = await transact(["pictures"], "readonly", (store) => store.getAll());
  return images.reverse();
}

/**
 * The file of an image.
 * @param {number} id
 * @returns {Promise<Blob | undefined>}
 */
export async function imageFile(id) {
  const file = await transact(["files"], "readonly", (files) => files.get(id));
  return file && new Blob([file], { type: "image/png" });
}

/** Stores changed records of images that are still there. @param {SavedImage[]} all */
export async function changeImages(all) {
  await transact(["pictures"], "readwrite", (pictures) => {
    for (const one of all) {
      const found = pictures.getKey(one.id);
      found.onsuccess = () => found.result !== undefined && pictures.put(one);
    }
  });
  changed("pictures");
}

/**
 * A deleted image, its file as it was stored.
 * @typedef {{ saved: SavedImage, file: Blob | ArrayBuffer | undefined }} Taken
 */

/**
 * Deletes images. Returns them with their files, so that `putImages` can undo it.
 * @param {number[]} ids
 * @returns {Promise<Taken[]>}
 */
export async function takeImages(ids) {
  /** @type {Taken[]} */
  const taken = [];
  await transact(["pictures", "files"], "readwrite", (pictures, files) => {
    for (const id of ids) {
      const found = pictures?.get(id);
      const file = files?.get(id);
      if (!found || !file) continue;
      file.onsuccess = () => {
        if (found.result) taken.push({ saved: found.result, file: file.result });
        pictures?.delete(id);
        files?.delete(id);
      };
    }
  });
  changed("pictures");
  return taken;
}

/** Stores deleted images again. @param {Taken[]} taken */
export async function putImages(taken) {
  await transact(["pictures", "files"], "readwrite", (pictures, files) => {
    for (const { saved, file } of taken) {
      pictures?.put(saved);
      if (file) files?.put(file, saved.id);
    }
  });
  changed("pictures");
}

/**
 * The numbers of the oldest images, so many that the others fit in a bound without them. Favourites
 * are never among them.
 * @param {SavedImage[]} images
 * @param {number} bound in bytes
 */
export function oldestBeyond(images, bound) {
  let over = images.reduce((sum, { bytes }) => sum + bytes, 0) - bound;
  const victims = [];
  for (const saved of images.toReversed()) {
    if (over <= 0) break;
    if (saved.favourite) continue;
    victims.push(saved.id);
    over -= saved.bytes;
  }
  return victims;
}

/**
 * Whether each of these words is in the prompt, the settings or the model's name.
 * @param {SavedImage} saved
 * @param {string} words
 */
export function matches(saved, words) {
  const { request, model, provenance, parts = [], controls = [] } = saved;
  // Many a search word is a part of "truncate", the value of this setting.
  const { long_prompt: _, ...settings } = request;
  const others = [...parts, ...controls, ...enlargements(saved)].map(({ name }) => name);
  const values = [model, provenance?.title, ...others, ...Object.values(settings).map(String)];
  const text = values.join("\n").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
