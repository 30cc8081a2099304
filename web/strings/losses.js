// What an imported request was made with and this run will not have, in words. Loaded with the
// readers of files.

/** The names of kinds of added networks. */
const NETWORKS = new Map([
  ["lora", "LoRA"],
  ["lyco", "LyCORIS"],
  ["hypernet", "hypernetwork"],
]);

/** The most characters of a template that are shown. */
const SHOWN_MAX = 160;

/** @param {string} text */
const quoted = (text) => `“${text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text}”`;

export const lossText = {
  /** @param {string[]} settings */
  notImported: (settings) => `Not imported: ${settings.join("; ")}.`,
  /** @param {string[]} things */
  madeWith: (things) => `Made with: ${things.join("; ")}.`,
  /** @param {number} count */
  more: (count) => `and ${count} more`,
  /** @param {string} name */
  use: (name) => `Use ${name}`,
  /** @param {string} name */
  used: (name) => `${name} is chosen.`,
  /** @param {string[]} texts of the prompt and of the negative prompt */
  template: (texts) => `The prompt was made from a template: ${texts.map(quoted).join("; ")}.`,
  useTemplate: () => "Use the template",
  templateUsed: () =>
    "The template is chosen. Choices are made from it where “Expand {a|b} and __lists__ in " +
    "prompts” is on, in Many images…",
  /** @param {string} name @param {string} value */
  setting: (name, value) => `${name}: ${value}`,
  /** Several settings of one part. @param {string} part @param {string[]} settings */
  part: (part, settings) => `${part} (${settings.join(", ")})`,

  /** @param {string} name @param {string} hash */
  model: (name, hash) => lossText.withHash(`model ${name}`, hash),
  /** @param {string} name @param {string} hash */
  vae: (name, hash) => lossText.withHash(`VAE ${name}`, hash),
  /** @param {string} what @param {string} name the model's name here */
  storedAs: (what, name) => `${what} (stored here as ${name})`,
  /** @param {string} name */
  module: (name) => `module ${name}`,
  /** @param {string} kind @param {string} name @param {string} weight */
  network: (kind, name, weight) =>
    `${NETWORKS.get(kind) ?? kind} ${name}${weight ? ` (${weight})` : ""}`,
  /** @param {string} name */
  embedding: (name) => `textual inversion ${name}`,
  /**
   * What is not here, with its hash.
   * @param {string} what
   * @param {string} hash
   * @param {boolean} [named] whether another file of the name is here
   */
  withHash: (what, hash, named = false) =>
    (hash ? `${what}, hash ${hash.slice(0, 12)}` : what) +
    (named ? " (the stored file of that name is used instead)" : ""),

  several: () => "several prompts at once (read as a comma)",
  /** @param {string} program */
  weights: (program) =>
    `how ${program} applies the weights of words (they are applied as in AUTOMATIC1111's web UI)`,
  /** @param {string} text */
  syntax: (text) => `prompt syntax ${text}`,
  regions: () => "prompts for parts of the image",

  /** @param {string} name */
  sampler: (name) => `sampler ${name}, which is not available here (choose one)`,
  /** @param {string} name @param {string} nearest */
  nearest: (name, nearest) =>
    `sampler ${name}, which is not available here (the nearest is ${nearest})`,
  /** @param {string} name */
  schedule: (name) => `noise schedule ${name}`,
  /** @param {string} name @param {string} nearest */
  nearestSchedule: (name, nearest) => `noise schedule ${name} (the nearest is ${nearest})`,
  /** @param {string} name @param {string} program */
  otherSchedule: (name, program) => `${name}, which ${program} spaces in another way`,
  /** @param {string} name @param {string} program */
  samplerOrder: (name, program) => `the order of ${program}'s sampler ${name} (here it is with B2)`,
  /** @param {string} name @param {string} program */
  samplerNoise: (name, program) =>
    `the noise that ${program}'s sampler ${name} adds in its steps, which is another one`,
  /** @param {string} program */
  freeu: (program) => `to which blocks ${program} applies FreeU (it is applied as in diffusers)`,
  /** @param {number} size */
  batch: (size) => `which of its batch of ${size} the image is, as all have this text`,
  /** @param {string} steps @param {string} strength */
  lastSteps: (steps, strength) =>
    `that ComfyUI takes ${steps} steps of more, at the end, with denoise ${strength}`,
  /** @param {string} name */
  noise: (name) => `noise source ${name}`,

  /** @param {string} settings */
  pass: (settings) => `a second pass (${settings})`,
  /** @param {string} size */
  passSize: (size) => `the second pass's size ${size}`,
  /** @param {string} seed */
  passSeed: (seed) => `the second pass's seed ${seed}`,
  cropped: () => "the second pass's crop to another shape",
  startImage: () => "the start image, which is not in the file",
  mask: () => "the mask, which is not in the file",
  controlImages: () => "the pictures of ControlNets, which are not in the file",
  /** @param {string} name */
  controlTimes: (name) => `when ${name} begins and ends, which ComfyUI counts in another way`,
  /** @param {string[]} names */
  styles: (names) => (names.length ? `styles ${names.join(", ")}` : "styles"),
};
