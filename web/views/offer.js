// The offer of Stable Diffusion v1.4: what it is, whether this device can run it, and what to do if
// not. The device's capabilities are read at once; the time is measured when the user asks for it.

import { findAdapter } from "../engine/adapter.js";
import { MODEL } from "../options.js";
import { text } from "../strings/offer.js";
import { duration } from "../strings.js";
import { anyById, button, element, onPress, withText } from "../dom.js";
import { remember, remembered } from "../storage/settings.js";

/** @typedef {import("../engine/adapter.js").Capability} Capability */
/** @typedef {import("../engine/protocol.js").Forecast} Forecast */

/** Bytes to fetch. */
const DOWNLOAD = 2.13e9;
/** The most bytes of all buffers together, with f32 activations, as a dry run counts them. */
const PEAK = 2.74e9;

/**
 * @param {import("../state/page.js").Page} state
 * @param {object} handlers
 * @param {(hear: (forecast: Forecast) => void) => Promise<unknown>} handlers.onMeasure
 * @param {() => void} handlers.onGet
 */
export function createOffer(state, { onMeasure, onGet }) {
  const box = anyById("offer");
  /** @type {Capability | null} */
  let capability = null;

  function show() {
    if (!capability) return;
    const forecast = storedForecast(capability.adapter.name);
    const rows = text.facts(capability, forecast, PEAK);
    if (forecast) rows.push([text.perPicture(forecast.steps), `≈ ${duration(forecast.seconds)}`]);
    const small = text.small(capability, forecast, PEAK, DOWNLOAD);
    rows.push(...small);
    anyById("offer-facts").replaceChildren(
      ...rows.map(([name, value]) =>
        element("div", {}, withText("dt", name ?? ""), withText("dd", value ?? "")),
      ),
    );
    const sentences = text.verdict(capability, forecast?.peak_bytes ?? PEAK, DOWNLOAD);
    const told = small.length ? [...sentences, text.smaller()] : sentences;
    anyById("offer-verdict").replaceChildren(...told.map((sentence) => withText("li", sentence)));
    button("offer-get").classList.toggle("primary", text.works(sentences));
    button("offer-measure").hidden = capability.adapter.kind === "none";
  }

  onPress("offer-measure", () =>
    onMeasure((forecast) => {
      const name = capability?.adapter.name ?? "";
      remember("forecast", JSON.stringify({ name, forecast }));
      show();
    }),
  );
  onPress("offer-get", onGet);

  // It is shown to users of the built-in model.
  state.subscribe(["opened"], async ({ opened }) => {
    if (!opened) return;
    box.hidden = opened.model !== MODEL;
    if (box.hidden) return;
    capability ??= await findCapability();
    // Where the browser does not name the adapter, the engine has measured it.
    const { adapter } = capability;
    if (adapter.kind === "unknown") adapter.kind = opened.description.adapter_kind;
    show();
  });
}

/**
 * The stored forecast of this adapter.
 * @param {string} adapter
 * @returns {Forecast | null}
 */
function storedForecast(adapter) {
  try {
    const { name, forecast } = JSON.parse(remembered("forecast") ?? "null") ?? {};
    return name === adapter ? (forecast ?? null) : null;
  } catch {
    return null;
  }
}

/** @returns {Promise<Capability>} */
async function findCapability() {
  const { gpu, deviceMemory = 0, storage } = /** @type {any} */ (navigator);
  const none = { kind: /** @type {const} */ ("none"), name: "", f16: false, buffer: 0 };
  const { usage = 0, quota = 0 } = (await storage?.estimate?.()) ?? {};
  return {
    secure: isSecureContext,
    webgpu: !!gpu,
    adapter: await findAdapter().catch(() => none),
    memory: deviceMemory * 2 ** 30,
    room: quota && quota - usage,
  };
}
