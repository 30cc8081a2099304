// What the browser tells of its graphics adapter. The wasm sees WebGPU from the inside, where a
// graphics card and a program that plays one look alike; so the worker asks here, once.

/** Names of adapters that are programs: Chromium's and Mesa's own, and that of Windows. */
const PROGRAMS = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/**
 * @typedef {object} Adapter
 * @property {"hardware" | "software" | "none"} kind
 * @property {string} name browsers may keep it to themselves
 */

/**
 * The adapter that the engine would get.
 * @returns {Promise<Adapter>}
 */
export async function findAdapter() {
  const { gpu } = /** @type {any} */ (navigator);
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return { kind: "none", name: "" };
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info ?? {};
  const all = [vendor, architecture, device, description].filter(Boolean).join(" ");
  // Browsers moved the flag from the adapter to its info.
  const software = isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
  return {
    kind: software || PROGRAMS.test(all) ? "software" : "hardware",
    name: description || [vendor, architecture].filter(Boolean).join(" "),
  };
}
