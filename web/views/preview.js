// The preview of an image while it is made: decoded pixels, if the engine sends them, or an
// approximation from the latents. A linear map from a latent's channels to the mean colour of its
// pixels is fitted by least squares to the images that a model has made here, and stored. During
// the first image of a model there is no fit yet, and nothing is shown.

import { anyById, byId } from "../dom.js";
import { remember, remembered } from "../storage/settings.js";
import { solve } from "./least_squares.js";

/** @typedef {import("../engine/protocol.js").Picture} Picture */
/** @typedef {import("../engine/protocol.js").Pixels} Pixels */
/** @typedef {{ shape: number[], values: ArrayLike<number> }} Latents */

/**
 * A fit (`map`, whose last row is the constant), and the sums that it was made of, so that each
 * further image improves it.
 * @typedef {{ gram: number[][], moment: number[][], map: number[][] }} Fit
 */

/** @param {import("../session/session.js").Session} session */
export function createPreview(session) {
  const canvas = byId("preview", HTMLCanvasElement);
  const small = document.createElement("canvas");
  let name = "";
  /** @type {Fit | null} */
  let fit = null;
  /** @type {Latents | null} the latest latents of the run */
  let latents = null;
  /** Whether decoded pixels were shown: after that the approximation is not shown any more. */
  let seen = false;

  session.on("run", ({ model }) => {
    latents = null;
    seen = false;
    if (name === model) return;
    name = model;
    fit = load(model);
  });
  session.on("progress", (progress) => {
    if (progress.event === "latents") show(progress);
    else if (progress.event === "preview") showPicture(progress);
  });
  session.on("received", ({ picture, first }) => {
    // The engine sends the latents of the first image of each group only.
    if (first) improveFit(picture);
    hide();
  });
  session.on("runEnd", hide);

  /**
   * Shows an approximation from latents, if there is a fit.
   * @param {Latents} given
   */
  function show(given) {
    latents = given;
    if (seen || fit?.map.length !== (given.shape[0] ?? 0) + 1) return;
    draw(colours(fit.map, given));
  }

  /** Shows decoded pixels. @param {Pixels} picture */
  function showPicture({ width, height, rgba }) {
    seen = true;
    draw(new ImageData(rgba, width, height));
  }

  /** Improves the fit with a finished image. @param {Picture} picture */
  function improveFit(picture) {
    if (!latents) return;
    fit = addToFit(fit, latents, picture);
    remember(`fit.${name}`, JSON.stringify(fit));
    latents = null;
  }

  /** Hides the preview. */
  function hide() {
    canvas.hidden = true;
    anyById("tray").classList.remove("previewing");
  }

  /** Draws pixels large and smoothed. @param {ImageData} pixels */
  function draw(pixels) {
    const { width, height } = pixels;
    small.width = width;
    small.height = height;
    small.getContext("2d")?.putImageData(pixels, 0, 0);
    const scale = Math.max(1, Math.round(512 / Math.max(width, height)));
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext("2d")?.drawImage(small, 0, 0, canvas.width, canvas.height);
    canvas.hidden = false;
    anyById("tray").classList.add("previewing");
  }
}

/**
 * Maps the channels of latents to colours: one pixel for each latent.
 * @param {number[][]} map
 * @param {Latents} latents
 */
function colours(map, { shape, values }) {
  const [channels = 0, height = 0, width = 0] = shape;
  const pixels = new ImageData(width, height);
  const plane = width * height;
  for (let i = 0; i < plane; i++) {
    for (let colour = 0; colour < 3; colour++) {
      let sum = map[channels]?.[colour] ?? 0;
      for (let c = 0; c < channels; c++)
        sum += (values[c * plane + i] ?? 0) * (map[c]?.[colour] ?? 0);
      pixels.data[i * 4 + colour] = sum * 255;
    }
    pixels.data[i * 4 + 3] = 255;
  }
  return pixels;
}

/**
 * Adds an image to a fit.
 * @param {Fit | null} before
 * @param {Latents} latents
 * @param {Picture} picture
 * @returns {Fit | null}
 */
function addToFit(before, { shape, values }, { width, height, rgba }) {
  const [channels = 0, h = 0, w = 0] = shape;
  const [n, factor] = [channels + 1, Math.round(width / w)];
  if (h * factor !== height || w * factor !== width) return before;
  const zeros = (/** @type {number} */ columns) =>
    Array.from({ length: n }, () => new Array(columns).fill(0));
  const kept = before?.gram.length === n ? before : { gram: zeros(n), moment: zeros(3) };
  // Older images count less and less, so that sums stay small and a changed model is soon learned.
  const [gram, moment] = [decayed(kept.gram), decayed(kept.moment)];
  for (let i = 0; i < w * h; i++) {
    const x = [...channelsAt(values, channels, w * h, i), 1];
    const y = meanColour(rgba, width, (i % w) * factor, Math.floor(i / w) * factor, factor);
    addProduct(gram, x, x, 1 / (w * h));
    addProduct(moment, x, y, 1 / (w * h));
  }
  const map = solve(gram, moment);
  return map ? { gram, moment, map } : before;
}

/** @param {number[][]} rows */
const decayed = (rows) => rows.map((row) => row.map((value) => value * 0.9));

/**
 * Adds x · yᵀ to a matrix.
 * @param {number[][]} sums
 * @param {number[]} x
 * @param {number[]} y
 * @param {number} weight
 */
function addProduct(sums, x, y, weight) {
  for (const [r, row] of sums.entries()) {
    for (const [c, value] of y.entries()) row[c] = (row[c] ?? 0) + weight * (x[r] ?? 0) * value;
  }
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} channels
 * @param {number} plane
 * @param {number} i
 */
function channelsAt(values, channels, plane, i) {
  return Array.from({ length: channels }, (_, c) => values[c * plane + i] ?? 0);
}

/**
 * The mean of a square of pixels, 0 to 1.
 * @param {Uint8ClampedArray} rgba
 * @param {number} width
 * @param {number} x0
 * @param {number} y0
 * @param {number} side
 */
function meanColour(rgba, width, x0, y0, side) {
  const sums = [0, 0, 0];
  for (let y = y0; y < y0 + side; y++) {
    for (let x = x0; x < x0 + side; x++) {
      for (let c = 0; c < 3; c++) sums[c] = (sums[c] ?? 0) + (rgba[(y * width + x) * 4 + c] ?? 0);
    }
  }
  return sums.map((sum) => sum / (255 * side * side));
}

/**
 * @param {string} model
 * @returns {Fit | null}
 */
function load(model) {
  try {
    return JSON.parse(remembered(`fit.${model}`) ?? "null");
  } catch {
    return null;
  }
}
