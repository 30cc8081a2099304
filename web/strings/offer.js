// Texts of the offer of Stable Diffusion v1.4.

import { duration, gigabytes } from "../strings.js";

/** @typedef {import("../engine/adapter.js").Capability} Capability */
/** @typedef {import("../engine/protocol.js").Forecast} Forecast */

const WORKS = "This device has what it needs.";
/** How much more memory a device should have than the most that is taken at once. */
const SPARE = 1.25;
/** Seconds from which an image is slow. */
const SLOW = 60;
/** Bytes that BK-SDM-Tiny takes at most, as a dry run counts them. */
const SMALL_PEAK = 0.73e9;

export const text = {
  /** Whether the model can run here. @param {string[]} sentences of the verdict */
  works: (sentences) => sentences.includes(WORKS),
  perPicture: (/** @type {number} */ steps) => `512 × 512, ${steps} steps`,

  /** @type {(capability: Capability, forecast: Forecast | null, peak: number) => string[][]} */
  facts: ({ adapter, memory }, forecast, peak) => [
    ["Precision", adapter.f16 ? "f32, f16 possible" : "f32"],
    ["Memory it takes", `about ${gigabytes(forecast?.peak_bytes ?? peak)}`],
    ...(forecast?.peak_bytes_f16
      ? [["The same with f16", `about ${gigabytes(forecast.peak_bytes_f16)}`]]
      : []),
    ["Memory here", memory ? `${Math.round(memory / 2 ** 30)} GB or more` : "unknown"],
  ],

  /**
   * What a smaller model would cost, where v1.4 does not fit or would be slow: a row, or none.
   * @type {(capability: Capability, forecast: Forecast | null, peak: number, download: number) =>
   *   string[][]}
   */
  small: ({ adapter, memory, room }, forecast, peak, download) => {
    const needed = forecast?.peak_bytes ?? peak;
    const isShort = (memory > 0 && memory < SPARE * needed) || (room > 0 && room < download);
    const isSlow = adapter.kind === "software" || (forecast?.seconds ?? 0) > SLOW;
    if (adapter.kind === "none" || !(isShort || isSlow)) return [];
    const { peak_bytes: bytes, seconds } = forecast?.small ?? { peak_bytes: SMALL_PEAK };
    const time = seconds ? `, ≈ ${duration(seconds)}` : "";
    return [["BK-SDM-Tiny, q8_0, with a TAESD", `about ${gigabytes(bytes)}${time}`]];
  },
  smaller: () =>
    "A smaller model of the same kind takes less of both: BK-SDM-Tiny, with the weights q8_0 and " +
    "a TAESD in the VAE’s place. Download nota-ai/bk-sdm-tiny and madebyollin/taesd from Hugging " +
    "Face, import both below, and open the model with &weights=q8_0 in the address.",

  /**
   * A sentence for each problem, with what the user can do; or one that there is none.
   * @type {(capability: Capability, peak: number, download: number) => string[]}
   */
  verdict: ({ secure, webgpu, adapter, memory, room }, peak, download) => {
    const hindered = [
      !secure &&
        "This address is not secure, so the browser gives the page no WebGPU. Open it by https, " +
          "or on this machine as localhost.",
      secure &&
        !webgpu &&
        "This browser has no WebGPU, and the CPU has no room for this model. Take a current " +
          "Chrome or Edge, Safari 26, or Firefox 141 on Windows.",
      webgpu &&
        adapter.kind === "none" &&
        "WebGPU is here, but no graphics adapter answers. Switch on hardware acceleration in the " +
          "browser’s settings, bring the graphics driver up to date, and restart the browser.",
      adapter.kind === "software" &&
        "No graphics card is available to the browser, only software emulation: an image would " +
          "take hours. " +
          "Switch on hardware acceleration in the browser’s settings, or take a device with a " +
          "graphics card.",
      memory > 0 &&
        memory < SPARE * peak &&
        "This device has too little memory for it as it is published. Close other programs, and " +
          "open it with &weights=q8_0 or q4_0 in the address: half of the memory, or a third.",
      room > 0 &&
        room < download &&
        `The browser lets this site keep ${gigabytes(room)} more, and the model takes ` +
          `${gigabytes(download)}. Free some space on the disk, or delete another model below.`,
    ].filter((sentence) => typeof sentence === "string");
    // Of unknown kind: a browser that names no adapter, and the CPU was asked to compute.
    const mayWork = adapter.kind === "hardware" || adapter.kind === "unknown";
    const notes = [
      mayWork && !hindered.length && WORKS,
      mayWork &&
        !adapter.f16 &&
        "The adapter has no half precision (shader-f16): numbers between the layers take twice " +
          "the memory. Nothing needs to be done; a newer driver or browser may bring it.",
    ].filter((sentence) => typeof sentence === "string");
    return [...hindered, ...notes];
  },
};
