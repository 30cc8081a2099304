// What the browser tells of its graphics adapter. The wasm sees WebGPU from the inside, where a
// graphics card and a program that plays one look alike; so the worker asks here, once. The page
// asks as well, to tell what a larger model will find.

/** Names of adapters that are programs: Chromium's and Mesa's own, and that of Windows. */
const PROGRAMS = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/**
 * @typedef {object} Adapter
 * @property {"hardware" | "software" | "none"} kind
 * @property {string} name browsers may keep it to themselves
 * @property {boolean} f16 whether it has shader-f16
 * @property {number} buffer bytes of the largest buffer
 *
 * What a large model depends on.
 * @typedef {object} Capability
 * @property {boolean} secure whether the page was opened by https or on this machine
 * @property {boolean} webgpu whether the browser has it
 * @property {Adapter} adapter
 * @property {number} memory bytes of the device, as far as the browser tells; 0 where it does not
 * @property {number} room bytes that the browser still lets this site keep; 0 as memory
 */

/**
 * The adapter that the engine would get.
 * @returns {Promise<Adapter>}
 */
export async function findAdapter() {
  const { gpu } = /** @type {any} */ (navigator);
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { kind: "none", name: "", f16: false, buffer: 0 };
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info ?? {};
  const all = [vendor, architecture, device, description].filter(Boolean).join(" ");
  // Browsers moved the flag from the adapter to its info.
  const software = isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
  return {
    kind: software || PROGRAMS.test(all) ? "software" : "hardware",
    name: description || [vendor, architecture].filter(Boolean).join(" "),
    f16: adapter.features.has("shader-f16"),
    buffer: adapter.limits.maxBufferSize,
  };
}
