// The view "About": the model card, what this device and browser can do, and recent errors.

import { forgetFaults, listFaults, report } from "../storage/faults.js";
import { say } from "../strings.js";
import { anyById, element, onPress, withText } from "../dom.js";

/** @typedef {[string, string][]} Rows */

/** @param {number} bytes */
const mebibytes = (bytes) => `${Math.floor(bytes / 2 ** 20)} MiB`;

/**
 * @param {import("../state/page.js").Page} state
 * @param {() => Promise<import("../engine/protocol.js").Held>} memory that the engine uses
 */
export function createAbout(state, memory) {
  const device = element("dl", { className: "facts" });

  /** Shows what the browser and the device have. */
  async function show() {
    // First, because the rest waits for answers of the browser.
    showFaults();
    if (!card.hasChildNodes()) await showCard();
    const { opened } = state.get();
    const parameters = opened?.description.parameters ?? 0;
    const { gpu, serviceWorker, wakeLock, locks, storage } = /** @type {any} */ (navigator);
    const adapter = await gpu?.requestAdapter().catch(() => null);
    const yes = (/** @type {unknown} */ has) => (has ? "yes" : "no");
    /** @type {Rows} */
    const rows = [
      ["WebGPU", yes(adapter)],
      ["Half precision (shader-f16)", yes(adapter?.features.has("shader-f16"))],
      ["Largest buffer", adapter ? mebibytes(adapter.limits.maxBufferSize) : "–"],
      ["Gallery", yes(globalThis.indexedDB)],
      ["Offline copy", yes(serviceWorker?.controller)],
      ["Persistent storage", yes(await storage?.persisted?.())],
      ["Keeps the screen awake", yes(wakeLock)],
      ["One tab at a time", yes(locks)],
    ];
    if (parameters) rows.unshift(["Parameters", `${(parameters / 1e6).toFixed(1)} M`]);
    const held = parameters ? await memory().catch(() => null) : null;
    if (held) {
      const { gpu_bytes: bytes, gpu_buffers: buffers, wasm_bytes: wasm } = held;
      rows.push(["Graphics memory", `${mebibytes(bytes)}, ${buffers} buffers`]);
      rows.push(["Engine memory", mebibytes(wasm)]);
    }
    device.replaceChildren(
      ...rows.map(([name, value]) =>
        element("div", {}, withText("dt", name), withText("dd", value)),
      ),
    );
    const engine = anyById("about").querySelector("#about-engine");
    if (engine) engine.textContent = opened?.engine ?? "";
  }

  function showFaults() {
    const faults = listFaults();
    const none = !faults.length;
    anyById("no-faults").textContent = none ? say.noFaults() : "";
    anyById("faults").textContent = report(faults);
    for (const id of ["faults", "faults-copy", "faults-forget"]) anyById(id).hidden = none;
  }

  onPress("faults-copy", async () => {
    const text = report(listFaults());
    await navigator.clipboard.writeText(text).then(
      () => (anyById("faults-copied").textContent = say.faultsCopied()),
      () => window.prompt(say.copyYourself(), text),
    );
  });
  onPress("faults-forget", () => {
    forgetFaults();
    showFaults();
    anyById("faults-copied").textContent = "";
    // The button that had the focus is hidden now.
    anyById("about-title").focus();
  });

  /** The model card, with the first look at it. */
  async function showCard() {
    const { CARD } = await import("../card.js");
    const parts = CARD.flatMap(({ title, text }) => [
      withText("h3", title),
      ...text.map((line) =>
        Array.isArray(line)
          ? element("ul", {}, ...line.map((item) => withText("li", item)))
          : withText("p", line),
      ),
    ]);
    card.replaceChildren(...parts);
  }

  const card = element("div", {});
  const engine = element("p", { id: "about-engine", className: "hint" });
  anyById("about").append(withText("h3", "This device"), engine, device, card);

  return { show };
}
