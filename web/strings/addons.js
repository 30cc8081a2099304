// Texts about LoRAs and the other files that change a model.

import { OTHER_PARTS, SAMPLERS, megabytes } from "../strings.js";

export const loraText = {
  add: () => "Add a LoRA…",
  none: () =>
    "None is stored in this browser. Drop a LoRA file (.safetensors) on the page, or import it " +
    "below.",
  title: (/** @type {number} */ count) => (count ? `LoRA (${count})` : "LoRA"),
  weight: (/** @type {string} */ name) => `Weight of ${name}`,
  slider: (/** @type {string} */ name) => `Slider for the weight of ${name}`,
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
    `“${part}” is not a LoRA and its weight. Write them as style:0.8, with commas between several.`,
  /** @param {import("../request/few_steps.js").Settings} settings */
  fast: ({ sampler, steps, guidance_scale: guidance }) =>
    `Use its settings: ${SAMPLERS.get(sampler) ?? sampler}, ${steps} steps, guidance ${guidance}`,
};

/** What a stored file is, by its kind. */
const KINDS = new Map([
  ...OTHER_PARTS,
  ["lora", "LoRA"],
  ["embedding", "textual inversion"],
  ["taesd", "TAESD (fast decoder, for previews)"],
]);

/** @param {string} kind */
const kindName = (kind) => KINDS.get(kind) ?? kind;

export const addonText = {
  /**
   * @param {import("../store/protocol.js").StoredModel} model
   * @param {string[]} words by which prompts call it
   */
  facts: ({ manifest, bytes_stored: bytes }, words) => {
    const { kind = "", licence } = manifest;
    const size = bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${megabytes(bytes)} MB`;
    return [
      kindName(kind),
      kind === "embedding" ? `called by: ${words.join(", ")}` : "",
      size,
      licence.name === "not told" ? "licence not told" : licence.name,
    ]
      .filter(Boolean)
      .join(" · ");
  },
  stop: () => "Stop using",
  incomplete: () => "Not stored completely. Delete it, and import the file again.",
  chosen: (/** @type {string} */ title) => `${title} is used for the next image.`,
  called: (/** @type {string} */ word) => `“${word}” was added to the prompt.`,
};
