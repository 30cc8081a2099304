// What the engine is told of this device's memory: how much the browser says there is, whether it
// is a phone or a tablet, and what its adapter could not hold lately.

import { keepTuning } from "./tunings.js";

/** A refusal is forgotten after so long: another program may have used the memory. */
const REMEMBERED_MS = 7 * 24 * 60 * 60 * 1000;

const MOBILE = /\b(?:Android|iPhone|iPad|Mobile)\b/;

/** What is being stored. */
let kept = Promise.resolve();

/** The key of a refusal, beside the choices of kernels. @param {string} adapter its name */
const key = (adapter) => `memory | ${adapter}`;

/**
 * The options of the engine's `open` that concern memory.
 * @param {string} adapter its name
 * @param {Record<string, string>} known what is stored of adapters
 */
export function memoryOf(adapter, known) {
  const { deviceMemory, userAgent, userAgentData } = /** @type {any} */ (navigator);
  const [bytes = 0, at = 0] = (known[key(adapter)] ?? "").split(" ").map(Number);
  const refused = bytes > 0 && Date.now() - at < REMEMBERED_MS;
  return {
    ...(deviceMemory ? { device_memory: deviceMemory * 2 ** 30 } : {}),
    // On tablets a browser may say that it is not a phone.
    ...(userAgentData?.mobile || MOBILE.test(userAgent) ? { mobile: true } : {}),
    ...(refused ? { memory_refused: bytes } : {}),
  };
}

/**
 * Stores that an adapter could not hold so much.
 * @param {string} adapter its name
 * @param {number} bytes
 */
export function keepRefused(adapter, bytes) {
  // One after the other: each closes the database when it ends.
  kept = kept.then(() => keepTuning(key(adapter), `${bytes} ${Date.now()}`));
}

/** Resolves when all refusals are stored. */
export const refusalsKept = () => kept;
