// The second, larger pass of an image (hires fix), in the form. The upscalers that this browser
// stores are listed when one is asked for.

import { readUpscaler, writeUpscaler } from "../files/upscaler.js";
import { CHANNEL } from "../store/protocol.js";
import { addonText } from "../strings/addons.js";
import { anyById, byId, element, setText } from "../dom.js";

/** @typedef {import("../store/networks.js").Network} Network */

/** What of `hires_upscaler` stands for a file. */
const FILE = "file";

/**
 * @param {() => void} onChange
 * @param {() => boolean} hasStart whether there is a start image, with which no second pass is made
 */
export function createHires(onChange, hasStart) {
  const upscaler = byId("hires_upscaler", HTMLSelectElement);
  const file = byId("hires-file", HTMLSelectElement);
  const scale = byId("hires_scale", HTMLInputElement);
  const box = byId("hires-box", HTMLDetailsElement);
  /** What is chosen, as text. */
  let chosen = "";
  /** @type {Network[]} */
  let stored = [];
  let known = false;
  const isFile = () => upscaler.value === FILE;

  /** Reads which are stored. Where storage is blocked, none is. */
  async function refresh() {
    const networks = await import("../store/networks.js");
    const { findNetwork, labelOf, listNetworks, networkFile } = networks;
    stored = await listNetworks("upscaler").catch(() => []);
    known = true;
    const choice = readUpscaler(chosen);
    const found = choice && findNetwork(stored, choice);
    const [only, another] = stored;
    // The only one is what is meant.
    if (!choice && only && !another) chosen = writeUpscaler(networkFile(only));
    const values = stored.map((one) => writeUpscaler(networkFile(one)));
    const options = stored.map((one, i) =>
      element("option", { value: values[i] ?? "" }, labelOf(one, stored)),
    );
    if (choice && !found)
      options.push(element("option", { value: chosen }, addonText.absent(choice.name)));
    file.replaceChildren(element("option", { value: "" }, addonText.choose()), ...options);
    file.value = found ? writeUpscaler(networkFile(found)) : chosen;
    chosen = file.value;
    show();
  }

  function show() {
    anyById("hires-file-field").hidden = !isFile();
    const hint = anyById("hires-file-hint");
    hint.hidden = !isFile() || !known || stored.length > 0;
    hint.textContent = addonText.noUpscaler();
    if (scale.value.trim()) box.open = true;
    tell();
    if (isFile() && !known) void refresh();
  }

  /** Says whether there is a second pass, also while its part of the form is closed. */
  function tell() {
    const factor = scale.value.trim();
    const unused = !!factor && hasStart();
    anyById("hires-title").textContent = addonText.hires(factor, unused);
    anyById("hires-unused").hidden = !unused;
    setText(anyById("hires-unused"), unused ? addonText.hiresUnused() : "");
  }

  scale.addEventListener("input", tell);

  upscaler.addEventListener("change", () => {
    show();
    if (isFile()) void refresh().then(onChange);
  });
  file.addEventListener("change", () => {
    chosen = file.value;
    onChange();
  });
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
    if (data.changed && known) void refresh();
  });

  return {
    show,
    tell,

    /** Chooses the one of a request. @param {string} text */
    use(text) {
      if (text === chosen) return;
      chosen = text;
      known = false;
      show();
    },

    /**
     * The field `upscaler`, where the second pass has a file's.
     * @returns {Record<string, string>}
     */
    fields: () => (isFile() && scale.value.trim() && chosen ? { upscaler: chosen } : {}),
  };
}
