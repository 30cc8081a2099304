// Makes the images of one click on Generate: the runs of their seeds, one engine call each, every
// image shown and kept as it comes.

import { taggedIn, writeLoras } from "../files/loras.js";
import { laterSeed, seedRuns } from "../request/seed.js";
import { writeUpscaler } from "../files/upscaler.js";
import { say } from "../strings.js";
import { loraText } from "../strings/addons.js";
import { editText } from "../strings/edit.js";
import { createTiming } from "./timing.js";

/** @typedef {import("./protocol.js").Engine} Engine */
/** @typedef {import("./protocol.js").Picture} Picture */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Request} Request */

/** @typedef {import("../files/loras.js").LoraChoice} LoraChoice */

/**
 * What an image is made with besides the request: the numbers of its start image and of the mask of
 * that, its LoRAs, its ControlNets and T2I-Adapters, the upscaler of its second pass.
 * @typedef {Pick<import("./protocol.js").Wanted, "startImage" | "mask" | "upscaler" | "origin"> &
 *   { loras: LoraChoice[], controls: import("./protocol.js").ControlChoice[] }} Beside
 */

/**
 * What the images of one click are made with.
 * @typedef {object} Making
 * @property {Engine} engine
 * @property {import("../state/page.js").Opened} opened the model
 * @property {import("./protocol.js").Events} events
 * @property {import("./protocol.js").Platform} platform
 * @property {(progress: Progress) => void} hear is called with progress that is no image
 * @property {AbortSignal} signal
 * @property {number} previewEvery steps between two exact previews; 0 is never
 */

/**
 * Makes images; resolves to the sentence that the page shows at the end.
 * @param {Making} making
 * @param {import("./protocol.js").Wanted} wanted
 */
export async function makePictures(making, { request, count, ...given }) {
  const { startImage, mask, loras = [], controls = [], upscaler } = given;
  const { platform } = making;
  const extras = {
    ...(startImage ? { initial: await startPixels(making, startImage) } : {}),
    ...(startImage && mask ? { mask: await maskPixels(making, mask) } : {}),
    loras: await findLoras(making, request, loras),
    ...(controls.length ? { controls: await platform.controlsOf(controls) } : {}),
    ...(upscaler ? { upscaler: await platform.upscalerOf(upscaler) } : {}),
    embeddings: platform.embeddingsIn([request.prompt, request.negative_prompt ?? ""]),
    latents: true,
    pictures: making.previewEvery,
  };
  const startTime = performance.now();
  for (const run of seedRuns(request.seed, count))
    await makeRun(making, { ...request, ...run }, extras, { ...given, loras, controls });
  return say.done((performance.now() - startTime) / 1000, count);
}

/**
 * The pixels of the start image.
 * @param {Making} making
 * @param {string} id its key in the storage: a number as text, or `page-…`
 */
async function startPixels({ platform }, id) {
  const file = await platform.startImageFile(id);
  if (file) return platform.pixelsOf(file);
  const sentence = say.notAPicture(say.startImage(), say.startImageGone());
  throw Object.assign(new Error(sentence), { kind: "request", field: "initial picture" });
}

/**
 * The pixels of a mask. One that is gone is a fault: without it everything would be made anew.
 * @param {Making} making
 * @param {string} id as of a start image
 */
async function maskPixels({ platform }, id) {
  const file = await platform.startImageFile(id);
  if (file) return platform.pixelsOf(file);
  throw Object.assign(new Error(editText.noMaskFile()), { kind: "request", field: "mask" });
}

/**
 * The LoRAs of a request: those that were chosen, and those that its prompt names.
 * @param {Making} making
 * @param {Request} request
 * @param {LoraChoice[]} chosen
 */
async function findLoras({ platform }, { prompt, prompt_syntax: syntax }, chosen) {
  const named = syntax === "a1111" ? taggedIn(prompt).map(({ name }) => name) : [];
  const { loras, missing } = await platform.lorasOf(chosen, named);
  if (!missing.length) return loras;
  throw Object.assign(new Error(loraText.missing(missing)), { kind: "request", field: "loras" });
}

/**
 * Makes images with consecutive seeds in one call of the engine, as many at once as the device has
 * memory for.
 * @param {Making} making
 * @param {Request & { count: number }} request
 * @param {import("../engine/protocol.js").GenerateExtras} extras
 * @param {Beside} beside
 */
async function makeRun(making, { count, ...request }, extras, beside) {
  const { engine, events, hear, opened, signal } = making;
  const timing = createTiming(count);
  /** One for each image: resolved when it is stored. @type {Promise<void>[]} */
  const stored = [];
  const receive = (/** @type {number} */ index, /** @type {Picture} */ picture) => {
    const { seconds, first } = timing.next();
    events.emit("received", { picture, first });
    const own = { ...request, seed: laterSeed(request.seed, index) };
    stored.push(store(making, own, picture, seconds, beside));
  };
  const onProgress = (/** @type {Progress} */ progress) => {
    timing.hear(progress);
    if (progress.event === "picture") receive(progress.index, progress.picture);
    else hear(progress);
  };
  events.emit("run", { model: opened.model });
  try {
    const many = count > 1 ? { ...request, count } : request;
    receive(count - 1, await engine.generate(many, { onProgress, signal, ...extras }));
  } finally {
    events.emit("runEnd", null);
    await Promise.all(stored);
  }
}

/**
 * Shows an image and stores it in the gallery.
 * @param {Making} making
 * @param {Request} request of this image alone
 * @param {Picture} picture
 * @param {number} seconds
 * @param {Beside} beside
 */
async function store({ events, opened, platform }, request, picture, seconds, beside) {
  const { startImage, mask, loras, controls, upscaler, origin } = beside;
  const { width, height, parts = [] } = picture;
  const { model, description, madeBy } = opened;
  // Where only the masked part is made, the image has the start image's size, the run its own. A
  // second pass is larger than the request says.
  const cropped = mask && typeof request.padding_mask_crop === "number";
  const twice = typeof request.hires_scale === "number";
  const first = {
    width: request.width ?? description.width,
    height: request.height ?? description.height,
  };
  const size = cropped ? {} : twice ? first : { width, height };
  const whole = {
    ...{ ...request, ...size, ...(loras.length && { loras: writeLoras(loras) }) },
    ...(upscaler && { upscaler: writeUpscaler(upscaler) }),
  };
  const file = new Blob([await pngOf(picture, origin)], { type: "image/png" });
  const start = {
    ...(startImage ? { initial: startImage, ...(mask ? { mask } : {}) } : {}),
    ...(controls.length ? { controls } : {}),
    ...(origin ? { origin } : {}),
  };
  const others = parts.length ? { parts } : {};
  const from = { model, provenance: description.model, engine: madeBy, ...others };
  events.emit("made", { picture, request: whole, file, seconds, ...from, ...start });
  const about = { request: whole, width, height, seconds, ...from };
  try {
    await platform.keepImage({ ...about, ...start }, file);
  } catch (error) {
    // The image is shown all the same, and the user can save it as a file.
    const sentence = await platform.storageSentence(error);
    if (sentence) events.emit("unkept", sentence);
    else events.emit("note", say.notKept(/** @type {Error} */ (error)?.message ?? ""));
  }
  events.emit("kept", null);
}

/**
 * The PNG file of an image, with the template that its prompt was expanded from.
 * @param {Picture} picture
 * @param {Beside["origin"]} origin
 */
async function pngOf({ png }, origin) {
  if (!origin?.template) return png;
  const { withTemplate } = await import("../batch/png_text.js");
  return withTemplate(png, origin.template);
}
