// Stable Diffusion v1.4 as an offer: what it is, what this device will manage, what to do where it
// will not. The capabilities are asked for at once; seconds are measured when the user wants it.

import { findAdapter } from "../engine/adapter.js";
import { MODEL } from "../options.js";
import { text } from "../strings/offer.js";
import { duration } from "../strings.js";
import { anyById, button, element, onPress, withText } from "../dom.js";
import { remember, remembered } from "../storage/settings.js";

/** @typedef {import("../engine/adapter.js").Capability} Capability */
/** @typedef {import("../engine/protocol.js").Forecast} Forecast */

/** Bytes to fetch, and all buffers at the worst moment with f32 activations: by the dry run. */
const DOWNLOAD = 2.13e9;
const PEAK = 2.9e9;

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
    const forecast = kept(capability.adapter.name);
    const rows = text.facts(capability, forecast, PEAK);
    if (forecast) rows.push([text.perPicture(forecast.steps), `≈ ${duration(forecast.seconds)}`]);
    anyById("offer-facts").replaceChildren(
      ...rows.map(([name, value]) =>
        element("div", {}, withText("dt", name ?? ""), withText("dd", value ?? "")),
      ),
    );
    const sentences = text.verdict(capability, forecast?.peak_bytes ?? PEAK, DOWNLOAD);
    anyById("offer-verdict").replaceChildren(
      ...sentences.map((sentence) => withText("li", sentence)),
    );
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

  // It is for those who have the small model.
  state.subscribe(["opened"], async ({ opened }) => {
    if (!opened) return;
    box.hidden = opened.model !== MODEL;
    if (box.hidden) return;
    capability ??= await findCapability();
    show();
  });
}

/**
 * What was measured on this adapter.
 * @param {string} adapter
 * @returns {Forecast | null}
 */
function kept(adapter) {
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
