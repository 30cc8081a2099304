// The gallery's export: a zip file of images with a list of their requests, and with the start
// images, masks and pictures of ControlNets that they were made with. Dropped on the page it
// becomes jobs of the queue again.

import { pngOf } from "../edit/files.js";
import { pixelsOf } from "../files/pixels.js";
import { isPng } from "../files/png.js";
import { zip } from "../files/zip.js";
import { hasRequest } from "../storage/known.js";
import { imageFile } from "../storage/images.js";
import { startImageFile } from "../storage/start_images.js";
import { controlFiles, numberOf } from "../store/networks.js";
import { controlText } from "../strings/control.js";
import { fileName } from "./picture.js";

/** The folders of start images, of masks and of control pictures. */
const FOLDERS = /** @type {const} */ ({
  initial: "start-images",
  mask: "masks",
  control: "control-images",
});

/**
 * An enlarged photo, of which no request is known, is in it as a file alone.
 * @param {import("../storage/images.js").SavedImage[]} images
 * @param {(error: Error) => void} tell is told of a control whose picture is no longer stored
 */
export async function zipOf(images, tell) {
  /** @type {{ name: string, blob: Blob, made: Date }[]} */
  const files = [];
  /** @type {Set<string>} paths of start images, masks and control pictures that are in it */
  const known = new Set();
  /**
   * Adds a start image, a mask or a control picture, once; its path, or nothing if it is no longer
   * stored.
   * @param {keyof typeof FOLDERS} kind
   * @param {string | undefined} key
   * @param {Date} made
   */
  async function add(kind, key, made) {
    if (!key) return undefined;
    const name = `${FOLDERS[kind]}/${key}.png`;
    if (known.has(name)) return name;
    const file = await startImageFile(key);
    if (!file) return undefined;
    files.push({ name, blob: await asPng(file), made });
    known.add(name);
    return name;
  }

  const lines = [];
  for (const saved of images) {
    const blob = await imageFile(saved.id);
    if (!blob) continue;
    const made = new Date(saved.made);
    const name = `${String(saved.id).padStart(6, "0")}-${fileName(saved.request)}`;
    files.push({ name, blob, made });
    if (!hasRequest(saved)) continue;
    const init = await add("initial", saved.initial, made);
    const mask = init && (await add("mask", saved.mask, made));
    const { request, model, provenance, parts, engine, seconds, enlarged } = saved;
    const controls = [];
    const nets = await controlFiles(saved.controls ?? []);
    for (const [at, choice] of (saved.controls ?? []).entries()) {
      const image = await add("control", choice.image, made);
      if (image) controls.push(recordOf(choice, nets[at] ?? choice.name, image));
      else tell(new Error(controlText.notExported(choice.name, name)));
    }
    const beside = { init, mask, ...(controls.length && { controls }) };
    const about = { file: name, ...beside, model, provenance, parts, engine, seconds, enlarged };
    // One that was read from another program's file may have no seed: the program chooses one.
    const { seed, ...rest } = request;
    lines.push(JSON.stringify({ ...rest, ...(seed && { seed }), ...about }));
  }
  const requests = new Blob(
    lines.map((line) => `${line}\n`),
    { type: "application/jsonl" },
  );
  files.push({ name: "requests.jsonl", blob: requests, made: new Date() });
  return zip(files);
}

/**
 * A control, as lists of requests have it.
 * @param {import("../files/control_choices.js").ControlChoice} choice
 * @param {string} file the name of its file
 * @param {string} image the path of its picture
 */
function recordOf({ hash, weight, start, end, guess, preprocess }, file, image) {
  const [w = 1, from = 0, to = 1] = [weight, start, end].map((text) => numberOf(text) ?? undefined);
  const numbers = { weight: w, start: from, end: to };
  return { file, sha256: hash, image, ...numbers, guess, preprocess };
}

/** The native program reads start images as PNG. @param {Blob} file */
async function asPng(file) {
  const head = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  return isPng(head) ? file : pngOf(await pixelsOf(file));
}
