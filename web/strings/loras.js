// Texts about LoRAs.

import { SAMPLERS, megabytes } from "../strings.js";

export const loraText = {
  add: () => "Add a LoRA…",
  none: () =>
    "None is stored in this browser. Drop a LoRA file (.safetensors) on the page, or import it " +
    "under “Models in this browser”.",
  weight: (/** @type {string} */ name) => `Weight of ${name}`,
  textEncoder: () => "Text encoder",
  textEncoderOf: (/** @type {string} */ name) => `${name} also changes the text encoder`,
  remove: () => "Remove",
  removeIt: (/** @type {string} */ name) => `Remove ${name}`,
  absent: () => "not in this browser",
  /** @param {string[]} names */
  missing: (names) =>
    names.length === 1
      ? `The LoRA “${names[0]}” is not in this browser. Import its file, or remove it.`
      : `These LoRAs are not in this browser: ${names.join(", ")}. Import their files, or remove ` +
        "them.",
  wrong: (/** @type {string} */ part) =>
    `“${part}” is no LoRA with a weight, as in style:0.8 (commas between them).`,
  /** @param {import("../request/few_steps.js").Settings} settings */
  fast: ({ sampler, steps, guidance_scale: guidance }) =>
    `Use its settings: ${SAMPLERS.get(sampler) ?? sampler}, ${steps} steps, guidance ${guidance}`,
  /** @param {import("../store/protocol.js").StoredModel} model */
  facts: ({ manifest, bytes_stored: bytes }) => {
    const { name } = manifest.licence;
    const licence = name === "not told" ? "licence not told" : name;
    const size = bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${megabytes(bytes)} MB`;
    return ["LoRA", size, licence].join(" · ");
  },
  use: () => "Use",
  chosen: (/** @type {string} */ title) => `${title} is used for the next image.`,
};
