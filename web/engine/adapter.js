// Which graphics adapter the browser has. In wasm, wgpu cannot distinguish a graphics card from
// software that emulates one; so the worker asks here, once, in JavaScript. The page asks as well,
// to show whether a larger model would run.

/** Names of software adapters: Chromium's, Mesa's and that of Windows. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/**
 * @typedef {object} Adapter
 * @property {"hardware" | "software" | "none" | "unknown"} kind unknown: the browser does not name
 * the adapter, and the engine measures it when it opens a model
 * @property {string} name empty if the browser does not show it
 * @property {boolean} f16 whether it has shader-f16
 * @property {number} buffer bytes of the largest buffer
 *
 * What a large model needs of the device and the browser.
 * @typedef {object} Capability
 * @property {boolean} secure whether the page is a secure context (https, or this machine)
 * @property {boolean} webgpu whether the browser has WebGPU
 * @property {Adapter} adapter
 * @property {number} memory bytes of the device's memory, rounded by the browser; 0 if unknown
 * @property {number} room bytes that the browser still lets this site store; 0 if unknown
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
  const known = software || SOFTWARE.test(all) ? "software" : "hardware";
  return {
    kind: all || software ? known : "unknown",
    name: description || [vendor, architecture].filter(Boolean).join(" "),
    f16: adapter.features.has("shader-f16"),
    buffer: adapter.limits.maxBufferSize,
  };
}
