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
  offered: () => "On this site",
  get: () => "Get",
  getIt: (/** @type {string} */ name) => `Get ${name}`,
  words: () => "Its words:",
  addWord: (/** @type {string} */ word, /** @type {string} */ name) =>
    `Add “${word}” of ${name} to the prompt`,
  /** @param {string} address */
  nothingAt: (address) =>
    `There is no LoRA at ${address}, or this page may not ask for it: it asks only its own site ` +
    "and the hosts that it allows. Download the file yourself and drop it on the page.",
  /** Asked before anything is asked of another site. @param {string} host */
  mayAsk: (host) =>
    `The link names a LoRA on ${host}. Ask ${host} for its size and licence? It learns the ` +
    "address of your device on the network.",
  /**
   * Asked before the first byte.
   * @param {import("../store/protocol.js").Manifest} manifest
   * @param {string} address of the manifest's folder
   */
  sure: ({ title, files, licence, base, base_model: model }, address) =>
    `Download ${title} (${bytesText(files.reduce((sum, { bytes = 0 }) => sum + bytes, 0))}) from ` +
    `${siteOf(base || address)}? Its licence: ${licence.name}.` +
    (model ? ` It was made for ${model}.` : ""),
  busy: () => "Another download or import runs. Press Get again when it has ended.",
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

/** @param {string} address */
function siteOf(address) {
  const { origin, host } = new URL(address, location.href);
  return origin === location.origin ? "this site" : host;
}

/** @param {number} bytes */
const bytesText = (bytes) =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${megabytes(bytes)} MB`;

/** What a stored file is, by its kind. */
const KINDS = new Map([
  ...OTHER_PARTS,
  ["lora", "LoRA"],
  ["embedding", "textual inversion"],
  ["control", "ControlNet or T2I-Adapter"],
  ["upscaler", "upscaler"],
  ["taesd", "TAESD (fast decoder, for previews)"],
]);

/** @param {string} kind */
const kindName = (kind) => KINDS.get(kind) ?? kind;

/**
 * @param {import("../store/protocol.js").Manifest} manifest
 * @param {number} bytes
 * @param {string[]} words
 */
function factsOf({ kind = "model", licence, base_model: model }, bytes, words) {
  const said = kind === "embedding" ? "called by" : "words";
  return [
    kindName(kind),
    words.length && ["embedding", "lora"].includes(kind) ? `${said}: ${words.join(", ")}` : "",
    model ? `made for ${model}` : "",
    bytesText(bytes),
    licence.name === "not told" ? "licence not told" : licence.name,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Which of the two a file is, where its name says it: no record does. @param {string} name */
const controlKind = (name) =>
  /t2i[-_ ]?adapter/i.test(name)
    ? "T2I-Adapter"
    : /control[-_ ]?net|^control_/i.test(name)
      ? "ControlNet"
      : kindName("control");

export const addonText = {
  /** A part of another file, of an image. @param {import("../engine/protocol.js").Part} part */
  part: ({ part, name, sha256 }) => `${kindName(part)}: ${name} (${sha256.slice(0, 10)})`,
  /**
   * @param {import("../store/protocol.js").StoredModel} model
   * @param {string[]} words by which prompts call it
   */
  facts: ({ manifest, files, bytes_stored: bytes }, words) => {
    const [largest] = Object.values(files).sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
    const hash = largest?.sha256 ? ` · SHA-256 ${largest.sha256.slice(0, 10)}…` : "";
    return factsOf(manifest, bytes, words) + hash;
  },
  /** @param {import("../store/protocol.js").Manifest} manifest */
  offered: (manifest) => {
    const { files, words = [], hosts } = manifest;
    const bytes = files.reduce((sum, { bytes: one = 0 }) => sum + one, 0);
    return `${factsOf(manifest, bytes, words)} · from ${hosts[0] ?? "this site"}`;
  },
  /** The title of the form's part. @param {number} count */
  controls: (count) => `ControlNet, T2I-Adapter${count ? ` (${count})` : ""}`,
  /** Of an image. @param {import("../files/control_choices.js").ControlChoice} choice */
  control: ({ name, weight }) => `${controlKind(name)} ${name} (${weight})`,
  /** The second pass of an image. @param {import("../engine/protocol.js").Request} request */
  second: ({ hires_scale: scale, hires_upscaler: by, hires_strength: strength }) => {
    const how = [by, strength && `strength ${strength}`].filter(Boolean).join(", ");
    return `hires. fix × ${scale}${how && ` (${how})`}`;
  },
  /**
   * The title of the form's part for the second pass.
   * @param {string} factor as typed
   * @param {boolean} unused whether there is a start image
   */
  hires: (factor, unused) =>
    `Hires. fix${factor ? (unused ? " (not with a start image)" : ` (× ${factor})`) : ""}`,
  hiresUnused: () => "With a start image no second pass is made.",
  choose: () => "Choose…",
  /** @param {string} name */
  absent: (name) => `${name} (not in this browser)`,
  noUpscaler: () =>
    "No upscaler is stored in this browser. Drop its file (.pth, .safetensors) on the page, or " +
    "import it below.",
  noImage: () => "Press Enlarge… below an image, or on one of the gallery: the upscaler is there.",
  /** @param {import("../storage/images.js").Enlargement} how */
  enlarged: ({ name, factor }) => `enlarged ${factor} times by ${name}`,
  stop: () => "Stop using",
  incomplete: () => "Not stored completely. Delete it, and import the file again.",
  chosen: (/** @type {string} */ title) => `${title} is used for the next image.`,
  called: (/** @type {string} */ word) => `“${word}” was added to the prompt.`,
};
