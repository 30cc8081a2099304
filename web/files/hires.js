// The second pass ("hires fix") of other programs' texts. Its size is what the web UI makes of a
// factor or of two sides, of which one may be 0 and follows from the other.

import { FIELDS } from "../engine/fields.js";
import { lossText } from "../strings/losses.js";

/**
 * `size`: of the first pass, where the text's size is that of the second. `read`: the names of the
 * settings that are taken over.
 * @typedef {object} SecondPass
 * @property {string} scale
 * @property {string} upscaler
 * @property {string} file the upscaler's, where it is one
 * @property {string} strength empty where the text has it under a name of its own
 * @property {number[]} [size]
 * @property {string[]} read
 * @property {string[]} notImported
 */

/** Upscalers that these programs name in their own way, by the names of their files. */
const FILES = new Map([
  ["R-ESRGAN 4x+", "RealESRGAN_x4plus"],
  ["R-ESRGAN 4x+ Anime6B", "RealESRGAN_x4plus_anime_6B"],
  ["ESRGAN_4x", "ESRGAN"],
]);

/** Names of SD.Next and SwarmUI, by those of the web UI. */
const SAME = new Map([
  ["latent bilinear", "latent"],
  ["latent-bilinear", "latent"],
  ["latent nearest", "latent (nearest)"],
  ["latent nearest-exact", "latent (nearest-exact)"],
  ["latent-nearest-exact", "latent (nearest-exact)"],
  ["latent bicubic", "latent (bicubic)"],
  ["latent-bicubic", "latent (bicubic)"],
  ["latent bilinear antialias", "latent (antialiased)"],
  ["latent bicubic antialias", "latent (bicubic antialiased)"],
  ["pixel-lanczos", "lanczos"],
  ["pixel-bicubic", "bicubic"],
  ["resize lanczos", "lanczos"],
  ["none", "lanczos"],
]);

/** Names of what is neither here nor a file. */
const NEITHER = /^(latent|pixel)[- ]|^nearest$/;

/** The area that older programs' first pass had, in pixels, and the multiple of its sides. */
const [OLD_AREA, OLD_MULTIPLE] = [512 * 512, 64];

/**
 * What enlarges, as fields of the form.
 * @param {string} name
 * @returns {{ upscaler: string, file: string, notImported: string[] }}
 */
export function upscalerNamed(name) {
  const lower = name.toLowerCase();
  const known = SAME.get(lower) ?? lower;
  const isKnown = FIELDS.get("hires_upscaler")?.names?.includes(known) && known !== "file";
  if (isKnown) return { upscaler: known, file: "", notImported: [] };
  if (NEITHER.test(lower))
    return { upscaler: "latent", file: "", notImported: [lossText.setting("upscaler", name)] };
  const plain = name.replace(/^model-/, "").replace(/\.(pth?|safetensors)$/i, "");
  return { upscaler: "file", file: FILES.get(plain) ?? plain, notImported: [] };
}

/**
 * @param {(name: string) => string} value a setting's
 * @returns {SecondPass}
 */
export function hiresOf(value) {
  const none = { scale: "", upscaler: "", file: "", strength: "", read: [], notImported: [] };
  const size = sidesOf(value("Size"));
  const older = value("First pass size") || value("First pass");
  if (older && size) return { ...none, ...olderPass(size, sidesOf(older), value) };
  // stable-diffusion.cpp has the upscaler's name under "Hires upscale", and the factor beside it.
  const upscale = value("Hires upscale");
  const isFactor = /^[\d.]+$/.test(upscale);
  const factor = isFactor ? upscale : value("Hires scale");
  const wanted = sidesOf(value("Hires resize")) ?? sidesOf(value("Hires size"));
  const fitted = wanted && size ? fitTo(size, wanted) : null;
  const plain = Number(factor) > 0 ? String(Number(factor)) : "";
  // A size goes before a factor, as in the web UI.
  const scale = fitted && fitted.scale > 1 ? String(fitted.scale) : plain;
  if (!scale) return none;
  const name = value("Hires upscaler") || (isFactor ? "" : upscale) || "Latent";
  const { notImported, ...upscaler } = upscalerNamed(name);
  const own = value("Hires denoising strength");
  return {
    ...upscaler,
    scale,
    strength: own ? "" : value("Denoising strength"),
    read: [
      ...["Hires upscale", "Hires scale", "Hires resize", "Hires size", "Hires steps"],
      ...["Hires upscaler", "Second pass"],
    ],
    notImported: [...notImported, ...(fitted?.notImported ?? [])],
  };
}

/**
 * Of before hires fix had a factor: the text's size is that of the second pass.
 * @param {number[]} size
 * @param {number[] | null} first 0 stands for what the web UI made of the size
 * @param {(name: string) => string} value
 */
function olderPass([width = 0, height = 0], first, value) {
  const [w = 0, h = 0] = first ?? [];
  const times = Math.sqrt(OLD_AREA / (width * height));
  const sides = [width, height].map(
    (side) => Math.ceil((times * side) / OLD_MULTIPLE) * OLD_MULTIPLE,
  );
  const before = w && h ? [w, h] : sides;
  const { scale, notImported } = fitTo(before, [width, height]);
  if (!(scale > 1)) return { strength: value("Denoising strength") };
  return {
    ...{ scale: String(scale), upscaler: "latent", size: before, notImported },
    ...{ strength: value("Denoising strength"), read: ["First pass size", "First pass"] },
  };
}

/** `512x768`, or null. @param {string} text */
function sidesOf(text) {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  return width && height ? [Number(width), Number(height)] : null;
}

/**
 * The factor that makes exactly the wanted size, where there is one. The other side follows from
 * one that is given alone; of two that have another shape, the web UI cuts off what is too much.
 * @param {number[]} from
 * @param {number[]} to
 */
export function fitTo([width = 0, height = 0], [toWidth = 0, toHeight = 0]) {
  const none = { scale: 0, notImported: [] };
  if (!width || !height || !(toWidth || toHeight)) return none;
  const byWidth = [toWidth, Math.floor((toWidth * height) / width)];
  const byHeight = [Math.floor((toHeight * width) / height), toHeight];
  const isWider = !toHeight || (toWidth && width * toHeight < height * toWidth);
  const large = isWider ? byWidth : byHeight;
  const isCut =
    toWidth && toHeight && large.some((side, i) => sized(side) !== sized([toWidth, toHeight][i]));
  const { scale, isExact } = factorBetween([width, height], large.map(sized));
  return {
    scale,
    notImported: [
      ...(isCut ? [lossText.cropped()] : []),
      ...(isExact ? [] : [lossText.passSize(large.join("x"))]),
    ],
  };
}

/** Sides are multiples of 8. @param {number | undefined} side */
const sized = (side = 0) => Math.floor(side / 8) * 8;

/**
 * The shortest number by which both sides, rounded down to multiples of 8, are those wanted.
 * @param {number[]} from
 * @param {number[]} to multiples of 8
 */
function factorBetween(from, to) {
  const least = Math.max(...to.map((side, i) => side / (from[i] ?? 1)));
  const below = Math.min(...to.map((side, i) => (side + 8) / (from[i] ?? 1)));
  const fits = (/** @type {number} */ scale) =>
    to.every((side, i) => sized((from[i] ?? 0) * scale) === side);
  for (let digits = 0; digits <= 9 && least < below; digits++) {
    const first = Math.ceil(least * 10 ** digits);
    // The quotient itself may be rounded to just below.
    for (const numerator of [first, first + 1]) {
      const scale = Number((numerator / 10 ** digits).toFixed(digits));
      if (fits(scale)) return { scale, isExact: true };
    }
  }
  const scale = Number(Math.min(least, below).toFixed(6));
  return { scale, isExact: fits(scale) };
}
