// Makes the images of one click on Generate: the runs of their seeds, one engine call each, every
// image shown and kept as it comes.

import { laterSeed, seedRuns } from "../request/seed.js";
import { say } from "../strings.js";
import { createTiming } from "./timing.js";

/** @typedef {import("./protocol.js").Engine} Engine */
/** @typedef {import("./protocol.js").Picture} Picture */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Request} Request */

/**
 * What the pictures of a press are made with.
 * @typedef {object} Making
 * @property {Engine} engine
 * @property {import("../state/page.js").Opened} opened the model
 * @property {import("./protocol.js").Events} events
 * @property {import("./protocol.js").Tools} tools
 * @property {(progress: Progress) => void} hear progress that is no picture
 * @property {AbortSignal} signal
 * @property {number} previewEvery steps between two exact previews; 0 is never
 */

/**
 * Makes pictures; resolves to what to say of it.
 * @param {Making} making
 * @param {import("./protocol.js").Wanted} wanted
 */
export async function makePictures(making, { request, count, initial }) {
  const beside = {
    ...(initial ? { initial: await initialPixels(making, initial) } : {}),
    latents: true,
    pictures: making.previewEvery,
  };
  const begun = performance.now();
  for (const run of seedRuns(request.seed, count))
    await makeRun(making, { ...request, ...run }, beside, initial);
  return say.done((performance.now() - begun) / 1000, count);
}

/**
 * The pixels of the picture to begin with.
 * @param {Making} making
 * @param {string} number
 */
async function initialPixels({ tools }, number) {
  const file = await tools.initialFile(number);
  if (file) return tools.pixelsOf(file);
  const sentence = say.notAPicture(say.initial(), say.initialGone());
  throw Object.assign(new Error(sentence), { kind: "request", field: "initial picture" });
}

/**
 * Makes pictures of seeds that follow one another, as many together as the device has room for.
 * @param {Making} making
 * @param {Request & { count: number }} request
 * @param {import("../engine/protocol.js").Beside} beside
 * @param {string | undefined} initial
 */
async function makeRun(making, { count, ...request }, beside, initial) {
  const { engine, events, hear, opened, signal } = making;
  const timing = createTiming(count);
  /** @type {Promise<void>[]} */
  const kept = [];
  const receive = (/** @type {number} */ index, /** @type {Picture} */ picture) => {
    const { seconds, first } = timing.next();
    events.emit("received", { picture, first });
    const own = { ...request, seed: laterSeed(request.seed, index) };
    kept.push(keep(making, own, picture, seconds, initial));
  };
  const onProgress = (/** @type {Progress} */ progress) => {
    timing.hear(progress);
    if (progress.event === "picture") receive(progress.index, progress.picture);
    else hear(progress);
  };
  events.emit("run", { model: opened.model });
  try {
    const many = count > 1 ? { ...request, count } : request;
    receive(count - 1, await engine.generate(many, { onProgress, signal, ...beside }));
  } finally {
    events.emit("runEnd", null);
    await Promise.all(kept);
  }
}

/**
 * Shows a picture and keeps it.
 * @param {Making} making
 * @param {Request} request of this picture alone
 * @param {Picture} picture
 * @param {number} seconds
 * @param {string | undefined} initial
 */
async function keep({ events, opened, tools }, request, picture, seconds, initial) {
  const { width, height, png } = picture;
  const { model, description, madeBy } = opened;
  const whole = { ...request, width, height };
  const file = new Blob([png], { type: "image/png" });
  events.emit("made", { picture, request: whole, file, seconds, model });
  const from = { model, provenance: description.model, engine: madeBy };
  const about = { request: whole, width, height, seconds, ...from };
  try {
    await tools.keepImage({ ...about, ...(initial ? { initial } : {}) }, file);
  } catch (error) {
    // The picture is there, and can be saved by hand.
    const sentence = await tools.storageSentence(error);
    if (sentence) events.emit("unkept", sentence);
    else events.emit("note", say.notKept(/** @type {Error} */ (error)?.message ?? ""));
  }
}
